//! One process that is brought down and up again, and how it takes that.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{fault::Server, report::Violation};
use crate::{
    platform::processes::Spec,
    processes::{Ask, Running},
};

/// What a process owes that is told to drain.
pub const DRAINED_WITHIN: Duration = Duration::from_secs(25);
/// Before it is started again.
pub const START_AGAIN: Duration = Duration::from_secs(1);
/// A process that comes up while a service is away may give up; something starts it again, as an orchestrator would.
const COMING_UP: Duration = Duration::from_secs(15);

/// A process of Muster's, through all its starts.
pub struct Process {
    /// How it is started.
    pub spec: Spec,
    /// What runs of it now.
    pub running: Option<Running>,
    /// What it is meant to do.
    pub state: State,
    started: Instant,
    starts: u32,
}

/// What a process is meant to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Run.
    Up,
    /// Stand still.
    Paused,
    /// Nothing.
    Down,
    /// Told to end at that moment.
    Draining(Instant),
    /// It ended by itself while it came up, and is started again at that moment.
    Again(Instant),
}

impl Process {
    /// It is down.
    pub fn new(server: Server, spec: Spec) -> Self {
        let spec = spec.with_arguments(&["--roles", server.role()]);
        Self { spec, running: None, started: Instant::now(), starts: 0, state: State::Down }
    }

    /// Starts it, with a log of its own.
    pub fn start(&mut self, server: Server, binaries: &Path, logs: &Path) -> Result<()> {
        self.starts += 1;
        let log = logs.join(format!("{server}-{}.log", self.starts));
        let command = self.spec.command(binaries);
        self.running = Some(Running::start(&server.to_string(), command, &log, Ask::Child(Signal::SIGTERM))?);
        self.started = Instant::now();
        Ok(())
    }

    /// Looks how it does: one that has ended is started again a moment later, and one that should not have is a violation.
    pub fn look(
        &mut self,
        server: Server,
        services_away: Option<Instant>,
        binaries: &Path,
        logs: &Path,
    ) -> Result<Option<Violation>> {
        let now = Instant::now();
        if let State::Again(at) = self.state {
            if at <= now {
                self.start(server, binaries, logs)?;
                self.state = State::Up;
            }
            return Ok(None);
        }
        let Some(running) = &mut self.running else { return Ok(None) };
        let exit = running.exit();
        match (self.state, exit) {
            (State::Draining(since), None) if since + DRAINED_WITHIN < now => {
                running.kill();
                self.again(now);
                let detail = format!("{server} had not drained after {} s", DRAINED_WITHIN.as_secs());
                Ok(Some(Violation::of_run("drain_failed", detail)))
            }
            (_, None) => Ok(None),
            (State::Draining(_), Some(status)) => {
                let fault = (!status.success()).then(|| {
                    Violation::of_run("drain_failed", format!("{server} drained badly: {}", running.obituary(status)))
                });
                self.again(now);
                Ok(fault)
            }
            (_, Some(status)) => {
                // It may give up while it comes up and a service is away; never later.
                let came_up = self.started + COMING_UP >= now;
                let excused = came_up && services_away.is_some_and(|away| away + COMING_UP >= self.started);
                let fault = (!excused)
                    .then(|| Violation::of_run("process_died", format!("by itself: {}", running.obituary(status))));
                self.again(now);
                Ok(fault)
            }
        }
    }

    fn again(&mut self, now: Instant) {
        self.running = None;
        self.state = State::Again(now + START_AGAIN);
    }
}
