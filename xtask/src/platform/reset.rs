//! `reset`: back to a workspace that never ran Muster. Asks first.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::{Context, Result, bail};

use super::{RunLock, down, state::State};
use crate::{files, output, paths::Paths, services::docker, steps::Steps};

/// Stops a run and removes its data; `everything` removes the caches under `.muster/` too.
pub fn command(paths: &Paths, yes: bool, everything: bool) -> Result<ExitCode> {
    let used_docker = paths.run().join("docker-postgres-password").exists();
    output::line("This stops Muster, if it runs, and removes for good:");
    output::line(format_args!(
        "  {}   every account, match, event and secret of this workspace's Muster",
        paths.short(&paths.data())
    ));
    output::line(format_args!(
        "  its logs, ports, built dashboard files and state under {}",
        paths.short(&paths.muster)
    ));
    if used_docker {
        output::line("  the volumes of the Docker Compose project `muster`");
    }
    if everything {
        output::line(format_args!(
            "  {}   the services' root, OpenBao and WebAssembly builds (fetched and built again at need)",
            paths.cache.display()
        ));
    }
    if !yes && !confirmed()? {
        output::line("Nothing was removed.");
        return Ok(ExitCode::FAILURE);
    }
    if State::load(paths).is_some() {
        down::command(paths)?;
    }
    let Some(_lock) = RunLock::take(paths)? else { bail!("another `cargo xtask up` has just begun; stop it first") };
    let steps = Steps::new();
    if used_docker && docker::check().is_ok() {
        docker::stop(&steps, paths, true)?;
    }
    steps.step("remove data", |_| {
        let mut doomed =
            vec![paths.data(), paths.logs(), paths.test(), paths.state(), paths.muster.join("site"), paths.run()];
        if everything {
            doomed.push(paths.cache.clone());
        }
        doomed.iter().try_for_each(|path| files::remove(path))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is nobody to ask; `cargo xtask reset --yes` removes without asking");
    }
    output::part("Type yes to go on: ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(answer.trim() == "yes")
}
