//! The flags every process has.

use std::path::PathBuf;

// Flags shared by all processes; a binary flattens them into its own `clap::Parser`.
#[allow(missing_docs, reason = "clap would show a doc comment as the description of the whole program")]
#[derive(clap::Args, Debug, Clone, Default)]
pub struct CommonArgs {
    /// Settings file (TOML).
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Set one value, over the file and the environment; may be given many times.
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,

    /// Check the settings, say what is wrong with them, and exit (0 or 2).
    #[arg(long, global = true)]
    pub check_config: bool,

    /// Print the settings in force as TOML, secrets redacted, and exit.
    #[arg(long, global = true, conflicts_with = "check_config")]
    pub print_config: bool,
}
