//! A platform that is there for one measurement: services on free ports with fresh data, and one muster-server.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::{
    build,
    commands::{capture, guarded, run},
    http, interrupt,
    paths::Paths,
    platform::processes::{Fleet, SIGNING_KEY, Settings, Spec},
    processes::{Ask, Running},
    services::{self, Durability, Given, Ports, bao, sandbox::Sandbox, scratch::ScratchServices},
    setup::Tools,
    steps::Steps,
};

/// How long the server may take from its start to its readiness.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Sign-ins all come from one address here, which is what the limit is against.
const SIGN_INS: (&str, &str) = ("MUSTER__GATEWAY__SIGN_INS_PER_SECOND", "100000");
/// Some hundred players tell of as many events as they can, which is what that limit is against.
const EVENTS: (&str, &str) = ("MUSTER__GATEWAY__EVENTS_PER_SECOND", "1000000");
/// As processes log in production: no colours, one object a line.
const LOG_FORMAT: (&str, &str) = ("MUSTER__LOG__FORMAT", "json");
/// Time between two passes.
const TICK: &str = "MUSTER__MATCHMAKER__TICK";
/// What it is unless set, in milliseconds.
const USUAL_TICK_MS: f64 = 100.0;
/// Sections of the person's own settings that the measured server gets too, so that a change can be tried out.
const OWN_SECTIONS: [&str; 7] = ["LOG", "SERVER", "GATEWAY", "MATCHMAKER", "REFEREE", "WRITER", "SHUTDOWN"];

/// It ends, and its data go, when it is dropped.
pub struct ScratchPlatform {
    /// Where players reach it.
    pub url: String,
    /// Health and metrics.
    pub ops_url: String,
    settings: BTreeMap<String, String>,
    versions: BTreeMap<&'static str, String>,
    server: Spec,
    binaries: PathBuf,
    // Fields are dropped in order: the server before what it stands on.
    _server: Running,
    _services: ScratchServices,
}

impl ScratchPlatform {
    /// Starts it and waits until it is ready.
    pub fn start(steps: &Steps, paths: &Paths, tools: &Tools, release: bool) -> Result<Self> {
        // Given services hold somebody's data, which thousands of strangers should not come into.
        let given = Given::default();
        let services = ScratchServices::start_with(steps, paths, tools, &given, &services::ALL, Durability::Kept)?;
        let endpoints = services.endpoints()?;
        let settings = settings(std::env::vars());
        let site = paths.site(release);
        let plan = Settings { endpoints: &endpoints, site: &site, own: &settings, bots: 0 };
        let server = Fleet::plan(&plan, &mut Ports::any())?.server;
        let binaries = paths.binaries(release);
        if let Some(vault) = &endpoints.vault {
            steps.step("signing key", |_| bao::put_if_absent(vault, SIGNING_KEY, &signing_key(&binaries)?))?;
        }
        steps.step("migrate", |step| {
            let command = server.with_arguments(&["migrate"]).command(&binaries);
            run(step, command, &paths.log("load/migrate"), Duration::from_secs(300))
                .context("the database cannot be migrated")
        })?;
        let running = start_server(steps, paths, &server, &binaries)?;
        Ok(Self {
            url: server.url.clone().context("the server has an address")?,
            ops_url: server.ops_url.clone().context("the server has an ops address")?,
            settings,
            server,
            binaries,
            versions: versions(tools),
            _server: running,
            _services: services,
        })
    }

    /// The services' versions and how carefully they write.
    pub fn services(&self) -> BTreeMap<&'static str, String> {
        self.versions.clone()
    }

    /// The server's settings that are not its defaults; no secrets and no addresses among them.
    pub fn settings(&self) -> BTreeMap<String, String> {
        self.settings.clone()
    }

    /// Another command of the server's program, on the same data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.server.with_arguments(arguments).command(&self.binaries)
    }

    /// Time between two passes, in milliseconds.
    pub fn tick_ms(&self) -> f64 {
        self.settings.get(TICK).and_then(|text| millis(text)).unwrap_or(USUAL_TICK_MS)
    }
}

fn start_server(steps: &Steps, paths: &Paths, server: &Spec, binaries: &Path) -> Result<Running> {
    let log = paths.log("load/muster-server");
    // Killed at the end: it has nothing to hand over to anybody.
    let mut running = Running::start(server.name, server.command(binaries), &log, Ask::Child(Signal::SIGKILL))?;
    let ops = server.ops_url.as_ref().context("the server has an ops address")?;
    steps.step(server.name, |step| {
        step.detail(server.url.clone().unwrap_or_default());
        let ready = interrupt::wait_for(READY_WITHIN, || {
            running.expect_alive()?;
            Ok(http::is_ok(&format!("{ops}/readyz")).then_some(()))
        })?;
        ready.with_context(|| {
            format!("{} was not ready within {} s; its log: {}", server.name, READY_WITHIN.as_secs(), log.display())
        })
    })?;
    Ok(running)
}

fn signing_key(binaries: &Path) -> Result<String> {
    let mut command = build::clean(guarded(binaries.join("muster-server")));
    command.arg("keygen");
    capture(command, "").context("muster-server cannot make a signing key")
}

/// The person's own settings that are about the code, and what a run of many players from one address needs.
fn settings(environment: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let own = |name: &str| {
        let section = name.strip_prefix("MUSTER__")?.split("__").next()?;
        OWN_SECTIONS.contains(&section).then_some(())
    };
    let mut settings: BTreeMap<String, String> =
        environment.filter(|(name, value)| own(name).is_some() && !value.is_empty()).collect();
    for (name, value) in [SIGN_INS, EVENTS, LOG_FORMAT] {
        settings.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    settings
}

/// `50ms` or `1s`, as durations are written in settings.
fn millis(text: &str) -> Option<f64> {
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => number.trim().parse().ok(),
        (None, Some(number)) => number.trim().parse::<f64>().ok().map(|seconds| seconds * 1000.0),
        (None, None) => None,
    }
}

/// What the services say they are, and how they were started ([`Durability::Kept`]).
fn versions(tools: &Tools) -> BTreeMap<&'static str, String> {
    let Some(sandbox) = tools.root.as_deref().and_then(|root| Sandbox::new(root).ok()) else {
        return BTreeMap::new();
    };
    let programs = [
        ("postgres", "/usr/lib/postgresql/17/bin/postgres", "fsync on, synchronous_commit on"),
        ("redis", "/usr/bin/redis-server", "append-only file, fsync every second"),
        ("nats", "/usr/sbin/nats-server", "JetStream in files, fsync every 2 min"),
    ];
    programs
        .into_iter()
        .map(|(name, program, writes)| {
            let mut command = sandbox.command(None, program);
            command.arg("--version");
            let version = capture(command, "").unwrap_or_default();
            let version = version.lines().next().unwrap_or_default().trim();
            (name, if version.is_empty() { writes.to_owned() } else { format!("{version}, {writes}") })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_code_are_kept_and_addresses_are_not() {
        let own = [
            ("MUSTER__MATCHMAKER__TICK", "50ms"),
            ("MUSTER__POSTGRES__URL", "postgres://me:hidden@host/db"),
            ("MUSTER__AUTH__SIGNING_KEY", "secret:mine"),
            ("MUSTER__GATEWAY__SIGN_INS_PER_SECOND", "7"),
            ("PATH", "/bin"),
        ];
        let settings = settings(own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let names: Vec<&str> = settings.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "MUSTER__GATEWAY__EVENTS_PER_SECOND",
                "MUSTER__GATEWAY__SIGN_INS_PER_SECOND",
                "MUSTER__LOG__FORMAT",
                "MUSTER__MATCHMAKER__TICK"
            ]
        );
        assert_eq!(settings["MUSTER__GATEWAY__SIGN_INS_PER_SECOND"], "7");
    }

    #[test]
    fn ticks_are_durations() {
        assert_eq!([millis("50ms"), millis("1.5s"), millis("soon")], [Some(50.0), Some(1500.0), None]);
    }
}
