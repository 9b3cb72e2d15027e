//! While everything is up: look once a second, tell what ended, write the state.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::Supervisor;
use crate::{
    http, interrupt,
    platform::{
        metrics,
        state::{ProcessState, ServiceState},
    },
    processes::Running,
    services::Origin,
    steps::Mood,
};

impl Supervisor<'_> {
    /// Looks at everything once a second until somebody asks to stop.
    pub(super) fn watch(&mut self) -> Result<()> {
        loop {
            let next = Instant::now() + Duration::from_secs(1);
            while Instant::now() < next {
                if interrupt::requested() {
                    self.steps.end_live();
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(50));
            }
            self.look()?;
            let count = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            self.steps.live(&format!(
                "{} matches finished, {} players online{}",
                count(self.state.matches_finished),
                count(self.state.players_online),
                if self.state.ready { "" } else { " (not everything is ready: cargo xtask status)" }
            ));
        }
    }

    /// Looks at every process, tells what ended, and writes the state.
    pub(super) fn look(&mut self) -> Result<()> {
        let mut problems = Vec::new();
        for member in &mut self.members {
            let ended = member.running.exit();
            member.ready =
                ended.is_none() && member.spec.ops_url.as_ref().is_none_or(|ops| http::is_ok(&format!("{ops}/readyz")));
            if let Some(status) = ended {
                problems.push(format!("{} ended with {status}", member.spec.name));
                if !std::mem::replace(&mut member.told, true) {
                    self.steps.end_live();
                    self.steps.say(&format!(
                        "{} {}",
                        self.steps.paint("ended:", Mood::Bad),
                        member.running.obituary(status)
                    ));
                }
            } else if !member.ready {
                problems.push(format!("{} is not ready", member.spec.name));
            }
        }
        for service in &mut self.services {
            let Some(status) = service.running.as_mut().and_then(Running::exit) else {
                continue;
            };
            problems.push(format!("{} ended with {status}", service.name));
            if let Some(running) = service.running.take() {
                self.steps.end_live();
                self.steps.say(&format!("{} {}", self.steps.paint("ended:", Mood::Bad), running.obituary(status)));
            }
        }
        let lost = self.services.iter().find(|service| service.origin == Origin::Private && service.running.is_none());
        if let Some(lost) = lost {
            problems.push(format!("{} is gone", lost.name));
        }
        self.state.ready = problems.is_empty();
        self.state.problem = (!problems.is_empty()).then(|| problems.join("; "));
        let server = self.members.iter().find(|member| member.spec.name == "muster-server" && member.ready);
        (self.state.matches_finished, self.state.players_online) =
            server.and_then(|server| server.spec.ops_url.as_deref()).map_or((None, None), metrics::read);
        self.save()
    }

    pub(super) fn save(&mut self) -> Result<()> {
        self.state.processes = self
            .members
            .iter_mut()
            .map(|member| ProcessState {
                name: member.spec.name.to_owned(),
                pid: member.running.identity.pid,
                started: member.running.identity.started,
                url: member.spec.url.clone(),
                ops_url: member.spec.ops_url.clone(),
                ready: member.ready,
                exit: member.running.exit().map(|status| status.to_string()),
                log: self.paths.short(&member.running.log),
            })
            .collect();
        self.state.services = self
            .services
            .iter()
            .map(|service| ServiceState {
                name: service.name.to_owned(),
                url: service.url.clone(),
                origin: match service.origin {
                    Origin::Private => "private",
                    Origin::Docker => "docker",
                    Origin::Given => "given",
                }
                .to_owned(),
                process: service.running.as_ref().map(|running| running.identity),
            })
            .collect();
        self.state.save(self.paths)
    }
}
