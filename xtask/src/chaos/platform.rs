//! A platform of its own in many processes, each of which can be brought down and up again.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{
    fault::{Server, Service},
    process::{DRAINED_WITHIN, Process, START_AGAIN, State},
    report::Violation,
};
use crate::{
    build,
    commands::{capture, guarded, run},
    http, interrupt,
    paths::Paths,
    platform::processes::{Fleet, Settings},
    services::{Durability, Endpoints, Given, Ports, scratch::ScratchServices},
    setup::Tools,
    steps::{Step, Steps},
};

/// What is started: everything but the Vault, which no match needs.
const SERVICES: [&str; 3] = ["postgres", "redis", "nats"];
/// How long a process may take from its start to its readiness, on a machine that is busy with eight of them.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Bots all come from one address; and processes log as in production.
const SETTINGS: [(&str, &str); 4] = [
    ("MUSTER__GATEWAY__EVENTS_PER_SECOND", "1000000"),
    ("MUSTER__GATEWAY__SIGN_INS_PER_SECOND", "100000"),
    ("MUSTER__LOG__FORMAT", "json"),
    ("MUSTER__POSTGRES__MAX_CONNECTIONS", "10"),
];

/// The services, and every process with how it stands. All ends, and the data go, when it is dropped.
pub struct ChaosPlatform {
    processes: BTreeMap<Server, Process>,
    binaries: PathBuf,
    logs: PathBuf,
    /// When a service was last away.
    services_away: Option<Instant>,
    // Dropped after the processes that stand on them.
    services: ScratchServices,
    endpoints: Endpoints,
}

impl ChaosPlatform {
    /// Starts it and waits until every process is ready.
    pub fn start(steps: &Steps, paths: &Paths, tools: &Tools, release: bool) -> Result<Self> {
        let services =
            ScratchServices::start_with(steps, paths, tools, &Given::default(), &SERVICES, Durability::Kept)?;
        let endpoints = services.endpoints()?;
        let binaries = paths.binaries(release);
        let mut own: BTreeMap<String, String> =
            SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        own.insert("MUSTER__AUTH__SIGNING_KEY".into(), signing_key(&binaries)?);
        let site = paths.site(release);
        let plan = Settings { endpoints: &endpoints, site: &site, own: &own, bots: 0 };
        let mut ports = Ports::any();
        let mut specs = Vec::new();
        for server in Server::all() {
            specs.push((server, Fleet::plan(&plan, &mut ports)?.server));
        }
        let (_, first) = specs.first().context("there are processes")?;
        steps.step("migrate", |step| {
            let command = first.with_arguments(&["migrate"]).command(&binaries);
            run(step, command, &paths.log("chaos/migrate"), Duration::from_secs(300))
                .context("the database cannot be migrated")
        })?;
        let processes = specs.into_iter().map(|(server, spec)| (server, Process::new(server, spec))).collect();
        let logs = paths.logs().join("chaos");
        let mut platform = Self { processes, binaries, logs, services_away: None, services, endpoints };
        steps.step("muster-server", |step| {
            step.detail(format!("{} processes", platform.processes.len()));
            for server in Server::all() {
                platform.up(server)?;
            }
            platform.wait_ready(step)
        })?;
        Ok(platform)
    }

    /// Where gateways listen.
    pub fn gateways(&self) -> Result<Vec<SocketAddr>> {
        let gateways = self.processes.iter().filter(|(server, _)| matches!(server, Server::Gateway(_)));
        let url = |process: &Process| process.spec.url.clone().context("a gateway has an address");
        gateways
            .map(|(_, process)| {
                let url = url(process)?;
                let address = url.strip_prefix("http://").unwrap_or(&url);
                address.parse().with_context(|| format!("{url} is not an address"))
            })
            .collect()
    }

    /// What `muster-audit` needs to know.
    pub fn stores(&self) -> [(&'static str, String); 3] {
        let Endpoints { postgres, redis, nats, .. } = self.endpoints.clone();
        [("MUSTER__POSTGRES__URL", postgres), ("MUSTER__REDIS__URL", redis), ("MUSTER__NATS__URL", nats)]
    }

    /// Starts a process that is down, or lets a paused one go on.
    pub fn up(&mut self, server: Server) -> Result<()> {
        let (binaries, logs) = (self.binaries.clone(), self.logs.clone());
        let process = self.process(server)?;
        match (process.state, &process.running) {
            (State::Paused, Some(running)) => running.identity.signal(Signal::SIGCONT),
            (State::Up, Some(_)) => return Ok(()),
            // A drain that takes longer than was planned: whoever waits for its end starts it again.
            (State::Draining(_), Some(_)) => return Ok(()),
            _ => process.start(server, &binaries, &logs)?,
        }
        process.state = State::Up;
        Ok(())
    }

    /// SIGKILL.
    pub fn kill(&mut self, server: Server) -> Result<()> {
        let process = self.process(server)?;
        if let Some(mut running) = process.running.take() {
            running.kill();
        }
        process.state = State::Down;
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&mut self, server: Server) -> Result<()> {
        let process = self.process(server)?;
        // One that still drains is left to it.
        if let (State::Up, Some(running)) = (process.state, &process.running) {
            running.identity.signal(Signal::SIGSTOP);
            process.state = State::Paused;
        }
        Ok(())
    }

    /// SIGTERM.
    pub fn drain(&mut self, server: Server) -> Result<()> {
        let process = self.process(server)?;
        if let (State::Up, Some(running)) = (process.state, &mut process.running) {
            running.ask_to_end();
            process.state = State::Draining(Instant::now());
        }
        Ok(())
    }

    /// Ends a service as a crash would.
    pub fn kill_service(&mut self, service: Service) -> Result<()> {
        self.services_away = Some(Instant::now());
        self.services.kill(service.name())
    }

    /// Starts a service again, with what it has on disk.
    pub fn start_service(&mut self, step: &Step<'_>, service: Service) -> Result<()> {
        self.services.restart(step, service.name())?;
        self.services_away = Some(Instant::now());
        Ok(())
    }

    /// Looks how every process does: one that ended by itself is found here, and so is one that drains badly.
    pub fn look(&mut self) -> Result<Vec<Violation>> {
        let mut found = Vec::new();
        let (away, binaries, logs) = (self.services_away, self.binaries.clone(), self.logs.clone());
        for (server, process) in &mut self.processes {
            found.extend(process.look(*server, away, &binaries, &logs)?);
        }
        Ok(found)
    }

    /// Brings everything up that is not, and waits until all are ready; what does not come up is a violation.
    pub fn heal(&mut self, step: &Step<'_>) -> Result<Vec<Violation>> {
        let mut found = Vec::new();
        // A drain has its time even now.
        let drained = |platform: &mut Self| -> Result<Option<()>> {
            found.extend(platform.look()?);
            Ok(platform.processes.values().all(|process| !matches!(process.state, State::Draining(_))).then_some(()))
        };
        let mut drained = drained;
        interrupt::wait_for(DRAINED_WITHIN + START_AGAIN, || drained(self))?;
        for server in Server::all() {
            self.up(server)?;
        }
        if let Err(error) = self.wait_ready(step) {
            interrupt::check()?;
            found.push(Violation::of_run("not_ready", format!("{error:#}")));
        }
        Ok(found)
    }

    fn wait_ready(&mut self, step: &Step<'_>) -> Result<()> {
        for (server, process) in &mut self.processes {
            step.note(&server.to_string());
            let ops = process.spec.ops_url.clone().context("a process has an ops address")?;
            let running = process.running.as_mut().with_context(|| format!("{server} was not started"))?;
            let ready = interrupt::wait_for(READY_WITHIN, || {
                running.expect_alive()?;
                Ok(http::is_ok(&format!("{ops}/readyz")).then_some(()))
            })?;
            ready.with_context(|| {
                let answer =
                    http::get(&format!("{ops}/readyz")).map_or_else(|error| error.to_string(), |(_, body)| body);
                format!("{server} was not ready within {} s: {answer}", READY_WITHIN.as_secs())
            })?;
        }
        Ok(())
    }

    fn process(&mut self, server: Server) -> Result<&mut Process> {
        self.processes.get_mut(&server).with_context(|| format!("there is no {server}"))
    }
}

fn signing_key(binaries: &Path) -> Result<String> {
    let mut command = build::clean(guarded(binaries.join("muster-server")));
    command.arg("keygen");
    capture(command, "").context("muster-server cannot make a signing key")
}
