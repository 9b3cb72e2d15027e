//! cargo, called from a program that cargo itself started.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    commands::{guarded, run},
    paths::Paths,
    steps::Steps,
};

/// The packages with the binaries that `up` starts.
const PACKAGES: [&str; 5] =
    ["muster-server", "muster-graphql", "muster-dashboard", "muster-retention", "muster-client"];

/// How long one build may take on a slow machine.
pub const WITHIN: Duration = Duration::from_secs(40 * 60);

/// The cargo that started us, without what it told *us* about this crate.
pub fn cargo() -> Command {
    clean(guarded(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// Takes away what `cargo run` set for xtask, so that a build from here and one by hand are the same build.
pub fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let about_xtask = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if about_xtask.iter().any(|prefix| name.starts_with(prefix)) || name == "OUT_DIR" {
            command.env_remove(name);
        }
    }
    if let Some(list) = std::env::var_os("LD_LIBRARY_PATH") {
        // cargo put its toolchain's folders in front; another compiler must not load that one's libraries.
        let own: Vec<_> = std::env::split_paths(&list)
            .filter(|folder| {
                let folder = folder.to_string_lossy();
                !folder.contains("/toolchains/") && !folder.contains("/rustlib/") && !folder.contains("/debug")
            })
            .collect();
        match std::env::join_paths(own) {
            Ok(rest) if !rest.is_empty() => command.env("LD_LIBRARY_PATH", rest),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    // Colours and progress bars have no place in a log.
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// Builds what `up` starts.
pub fn platform(steps: &Steps, paths: &Paths, release: bool) -> Result<()> {
    binaries(steps, paths, &PACKAGES, release)
}

/// Builds the binaries of some packages.
pub fn binaries(steps: &Steps, paths: &Paths, packages: &[&str], release: bool) -> Result<()> {
    steps.step("cargo build", |step| {
        step.detail(if release { "release" } else { "debug" });
        let mut command = cargo();
        command.arg("build").arg("--bins").current_dir(&paths.workspace);
        for package in packages {
            command.args(["--package", package]);
        }
        if release {
            command.arg("--release");
        }
        run(step, command, &paths.log("build"), WITHIN).context("Muster does not build")
    })
}
