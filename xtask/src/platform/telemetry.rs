//! `telemetry`: what `muster-server telemetry` does, to the platform that is up.

use std::{collections::BTreeMap, fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};

use super::state::{Phase, State};
use crate::{commands::guarded, paths::Paths, processes::Identity};

/// Runs the program that serves, with the settings it serves with; its output and its exit code are the answer.
pub fn command(paths: &Paths, arguments: &[String]) -> Result<ExitCode> {
    let state = State::seen(paths);
    let server = state.processes.iter().find(|process| process.name == "muster-server" && process.exit.is_none());
    let server = server.map(|process| Identity { pid: process.pid, started: process.started });
    let Some(server) = server.filter(|server| state.phase == Phase::Up && server.is_alive()) else {
        bail!("Muster is not up; start it with `cargo xtask up`");
    };
    let environment =
        fs::read(format!("/proc/{}/environ", server.pid)).context("the server's settings are not readable")?;
    let status = guarded(program(server.pid)?)
        .arg("telemetry")
        .args(arguments)
        .env_clear()
        .envs(variables(&environment))
        // Its log would stand between the lines of the answer.
        .env("MUSTER__LOG__FILTER", "error")
        .status()
        .context("muster-server does not start")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What a process runs; also when it has been built anew since.
fn program(pid: u32) -> Result<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).context("the server's program is not known")?;
    Ok(path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map_or(path.clone(), PathBuf::from))
}

fn variables(environment: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(environment);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_program_and_its_settings() {
        assert_eq!(program(std::process::id()).unwrap(), std::env::current_exe().unwrap());
        let found = variables(b"MUSTER__NATS__URL=nats://a?b=c\0EMPTY=\0odd\0");
        assert_eq!(found["MUSTER__NATS__URL"], "nats://a?b=c");
        assert_eq!((found.len(), found["EMPTY"].as_str()), (2, ""));
    }
}
