//! `reset`: back to a workspace that never ran Muster. Asks first.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use super::{RunLock, down, state::State};
use crate::{files, paths::Paths, services::docker, steps::Steps};

/// Stops a run and removes its data; `everything` removes the caches under `.muster/` too.
pub fn command(paths: &Paths, yes: bool, everything: bool) -> Result<ExitCode> {
    let used_docker = paths.run().join("docker-postgres-password").exists();
    println!("This stops Muster, if it runs, and removes for good:");
    println!("  {}   every account, match, event and secret of this workspace's Muster", paths.short(&paths.data()));
    println!("  its logs, ports, built dashboard files and state under {}", paths.short(&paths.muster));
    if used_docker {
        println!("  the volumes of the Docker Compose project `muster`");
    }
    if everything {
        println!(
            "  {}   the services' root, OpenBao and WebAssembly builds (fetched and built again at need)",
            paths.cache.display()
        );
    }
    if !yes && !confirmed()? {
        println!("Nothing was removed.");
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
    print!("Type yes to go on: ");
    std::io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(answer.trim() == "yes")
}
