//! `down`: nothing of a run is left behind.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{
    RunLock,
    state::{Phase, State},
};
use crate::{
    interrupt,
    paths::Paths,
    processes::{Identity, end},
    services::docker,
    steps::Steps,
};

/// Draining takes up to 30 s, services another 20.
const WITHIN: Duration = Duration::from_secs(75);

/// Stops the supervisor, which stops everything; then looks whether that is true.
pub fn command(paths: &Paths) -> Result<ExitCode> {
    let steps = Steps::new();
    let Some(state) = State::load(paths) else {
        steps.say("Nothing is running.");
        return Ok(ExitCode::SUCCESS);
    };
    let supervisor = state.supervisor.filter(|supervisor| supervisor.is_alive());
    if let Some(supervisor) = supervisor {
        steps.step("stop Muster", |step| {
            supervisor.signal(Signal::SIGTERM);
            let gone = interrupt::wait_for(WITHIN, || {
                let now = State::load(paths).unwrap_or_default();
                step.note(&format!("{} processes, {} services left", now.processes.len(), now.services.len()));
                Ok((!supervisor.is_alive()).then_some(()))
            })?;
            if gone.is_none() {
                step.detail("it did not stop by itself");
                end(&[supervisor], Duration::from_secs(1));
            }
            Ok(())
        })?;
    }
    let alive: Vec<(String, Identity)> =
        state.recorded().into_iter().filter(|(_, identity)| identity.is_alive()).collect();
    if !alive.is_empty() {
        steps.step("end what is left", |step| {
            step.detail(alive.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
            let left = end(&alive.iter().map(|(_, identity)| *identity).collect::<Vec<_>>(), Duration::from_secs(30));
            if left.is_empty() {
                Ok(())
            } else {
                bail!("these processes do not end: {:?}", left.iter().map(|it| it.pid).collect::<Vec<_>>())
            }
        })?;
    }
    // A supervisor that was killed could not stop its containers.
    let containers = state.services.iter().any(|service| service.origin == "docker");
    if containers && State::load(paths).is_some_and(|now| !now.services.is_empty()) {
        docker::stop(&steps, paths, false)?;
    }
    // Its parent is gone, so init reaps it, which may take a moment: until then it would still be listed.
    interrupt::wait_for(Duration::from_secs(2), || {
        Ok(supervisor.is_none_or(|it| Identity::of(it.pid) != Some(it)).then_some(()))
    })?;
    forget(paths)?;
    if supervisor.is_none() && alive.is_empty() {
        steps.say("Nothing is running.");
    } else {
        steps.say("Everything is stopped. Data stay in .muster/data.");
    }
    Ok(ExitCode::SUCCESS)
}

/// After a kill the state still tells of processes; correct it, unless a new run has begun meanwhile.
fn forget(paths: &Paths) -> Result<()> {
    let Some(_lock) = RunLock::take(paths)? else {
        return Ok(());
    };
    let mut state = State::load(paths).unwrap_or_default();
    if matches!(state.phase, Phase::Stopped) {
        return Ok(());
    }
    state = State { started_at: state.started_at, ..State::default() };
    state.save(paths).context("cannot correct the state")
}
