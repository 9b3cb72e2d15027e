//! The way down: always to its end, whatever went wrong before.

use std::time::Duration;

use anyhow::Result;

use super::{DRAIN_WITHIN, Member, Supervisor};
use crate::{
    interrupt,
    platform::state::{Phase, State},
    processes::{Running, end_all},
    services::{self, docker},
};

/// Bots would like to finish their matches; nobody waits that long. A match survives without its players.
const PLAYERS_WITHIN: Duration = Duration::from_secs(4);

impl Supervisor<'_> {
    /// Ends everything, players first, then Muster, then what it stands on. Always goes to the end.
    pub(super) fn take_down(&mut self, result: &Result<()>) -> Result<()> {
        interrupt::absorb();
        self.state.phase = Phase::Stopping;
        self.state.ready = false;
        let _ = self.save();
        if !self.members.is_empty() || !self.services.is_empty() {
            self.steps.heading("Stopping (Ctrl-C again does not wait)");
        }
        let (bots, platform): (Vec<Member>, Vec<Member>) =
            self.members.drain(..).partition(|member| member.spec.ops_url.is_none());
        for (what, group, within) in [("players", bots, PLAYERS_WITHIN), ("Muster", platform, DRAIN_WITHIN)] {
            let mut group: Vec<Running> = group.into_iter().map(|member| member.running).collect();
            if !group.is_empty() {
                self.stopping(what, || end_all(&mut group, within));
            }
        }
        let mut services = std::mem::take(&mut self.services);
        if services.iter().any(|service| service.running.is_some()) {
            self.stopping("services", || services::stop(&mut services));
        }
        let docker =
            if std::mem::take(&mut self.docker) { docker::stop(&self.steps, self.paths, false) } else { Ok(()) };
        self.state = State { started_at: std::mem::take(&mut self.state.started_at), ..State::default() };
        match result {
            Err(error) if !error.is::<interrupt::Interrupted>() => {
                self.state.phase = Phase::Failed;
                self.state.problem = Some(format!("{error:#}"));
            }
            _ => self
                .steps
                .say("\nEverything is stopped. Data stay in .muster/data; `cargo xtask up` goes on from there."),
        }
        self.state.save(self.paths)?;
        docker
    }

    fn stopping(&self, what: &str, work: impl FnOnce() -> Vec<String>) {
        let _ = self.steps.step(what, |step| {
            let killed = work();
            if !killed.is_empty() {
                step.detail(format!("cut short: {}", killed.join(", ")));
            }
            Ok(())
        });
    }
}
