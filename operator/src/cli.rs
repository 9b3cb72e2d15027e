//! The command line: `run` (what it does without a command) and `crds`.

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use muster_runtime::{CommonArgs, Loaded};

use crate::{crd, serve::serve, settings::Settings};

/// Muster's resources in Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "muster-operator", version, about)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the resources and make them so (the default)
    Run,
    /// Print the custom resource definitions as YAML; the committed copy is `operator/crds.yaml`
    Crds,
}

/// Does what the command line says.
///
/// # Errors
/// What went wrong, for a person.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(Command::Crds) = args.command {
        let yaml = crd::to_yaml().context("the resource definitions could not be written as YAML")?;
        std::io::stdout().write_all(yaml.as_bytes()).context("standard output was closed")?;
        return Ok(ExitCode::SUCCESS);
    }
    match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => serve(settings).await,
        Loaded::Exit(code) => Ok(code),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
