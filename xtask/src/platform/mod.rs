//! `up` and what goes with it: one supervisor owns every process of a run; the other commands read what it writes.

mod detach;
pub mod down;
pub mod logs;
mod metrics;
pub mod processes;
pub mod reset;
mod state;
pub mod status;
mod supervisor;
pub mod telemetry;

use std::{
    fs::{File, OpenOptions, TryLockError},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{cli::ServiceSource, interrupt, paths::Paths, steps::Steps};
use state::{Phase, State};

/// How `up` was asked to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Optimised builds.
    pub release: bool,
    /// With 20 bots.
    pub bots: bool,
    /// Where PostgreSQL and the others come from.
    pub services: ServiceSource,
    /// Without a terminal: this is the supervisor that `--detach` started.
    pub background: bool,
}

/// Held by the supervisor for as long as it lives; the kernel frees it whatever ends the supervisor.
struct RunLock(#[allow(dead_code, reason = "held, not read")] File);

impl RunLock {
    /// `None` when another supervisor of this workspace holds it.
    fn take(paths: &Paths) -> Result<Option<Self>> {
        let path = paths.run().join("up.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

/// `cargo xtask up`: in the foreground this process is the supervisor; with `detach` another one is.
pub fn up(paths: &Paths, options: Options, detach: bool) -> Result<ExitCode> {
    if detach {
        return detach::up(paths, options);
    }
    match RunLock::take(paths)? {
        Some(lock) => supervisor::run(paths, options, lock),
        None => already_up(paths),
    }
}

/// The detached supervisor itself; its output is `.muster/logs/up.log`.
pub fn supervise(paths: &Paths, options: Options) -> Result<ExitCode> {
    up(paths, Options { background: true, ..options }, false)
}

/// Says where to look; waits first while the other run is still on its way up.
fn already_up(paths: &Paths) -> Result<ExitCode> {
    let steps = Steps::new();
    let mut told = false;
    let state = interrupt::wait_for(Duration::from_secs(3600), || {
        let state = State::seen(paths);
        if state.phase == Phase::Starting && !std::mem::replace(&mut told, true) {
            steps.say("Another `cargo xtask up` is on its way up; waiting for it …");
        }
        Ok((state.phase != Phase::Starting).then_some(state))
    })?
    .context("another `cargo xtask up` has been starting for an hour; end it with `cargo xtask down`")?;
    match state.phase {
        Phase::Up => {
            steps.say("Muster is up already.");
            steps.say(&where_to_look(&state));
            Ok(ExitCode::SUCCESS)
        }
        Phase::Stopping => {
            anyhow::bail!("another run is just stopping; run `cargo xtask up` again in a moment")
        }
        _ => anyhow::bail!(
            "the other run did not come up: {}",
            state.problem.unwrap_or_else(|| "see .muster/logs/".into())
        ),
    }
}

/// What a person wants to know once everything is up.
fn where_to_look(state: &State) -> String {
    let mut lines = Vec::new();
    let url = |name: &str| {
        state.processes.iter().find(|process| process.name == name).and_then(|process| process.url.clone())
    };
    if let Some(dashboard) = &state.dashboard {
        lines.push(format!("\n  Dashboard      {}", dashboard.url));
        lines.push(format!("  Sign in as     {}", dashboard.email));
        lines.push(format!("  Password       {}   (made for this run)", dashboard.password));
    }
    if let Some(url) = url("muster-server") {
        lines.push(format!("  Players' API   {url}/v1/openapi.json"));
    }
    if let Some(url) = url("muster-graphql") {
        lines.push(format!("  Staff API      {url}/graphql"));
    }
    lines.push("  How it goes    cargo xtask status".into());
    lines.push("  Logs           cargo xtask logs [process]".into());
    lines.push("  Stop           cargo xtask down".into());
    if let Some(problem) = &state.problem {
        lines.push(format!("\n  Something is wrong: {problem}"));
        lines.push("  Start afresh with `cargo xtask down`, then `cargo xtask up`.".into());
    }
    lines.join("\n")
}
