//! The supervisor: brings everything up, watches it, tells what dies, takes everything down.

mod take_down;
mod watch;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{
    Options, RunLock,
    processes::{Fleet, SIGNING_KEY, Settings, Spec},
    state::{Dashboard, Phase, State, now},
    where_to_look,
};
use crate::{
    build,
    cli::ServiceSource,
    commands::{capture, run as run_command},
    files, http, interrupt,
    paths::Paths,
    processes::{Ask, Identity, Running, end},
    services::{self, Durability, Endpoints, Given, Origin, Ports, Service, bao, docker},
    setup::{self, Tools, Wanted},
    steps::Steps,
    wasm,
};

/// The staff account of every run.
const EMAIL: &str = "ops@muster.localhost";

/// How many bots play.
const BOTS: u32 = 20;

/// How long a process may take from its start to its readiness.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Longer than the 25 s in which every process drains.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// A Muster process under way.
struct Member {
    spec: Spec,
    running: Running,
    ready: bool,
    told: bool,
}

struct Supervisor<'a> {
    steps: Steps,
    paths: &'a Paths,
    options: Options,
    /// `MUSTER__…` of the person's environment.
    own: BTreeMap<String, String>,
    state: State,
    services: Vec<Service>,
    members: Vec<Member>,
    docker: bool,
}

/// Brings everything up and stays until somebody asks to stop.
pub fn run(paths: &Paths, options: Options, lock: RunLock) -> Result<ExitCode> {
    let own = std::env::vars().filter(|(name, value)| name.starts_with("MUSTER__") && !value.is_empty()).collect();
    let mut supervisor = Supervisor {
        steps: Steps::new(),
        paths,
        options,
        own,
        state: State::default(),
        services: Vec::new(),
        members: Vec::new(),
        docker: false,
    };
    let result = supervisor.bring_up().and_then(|()| supervisor.watch());
    let stopped = supervisor.take_down(&result);
    drop(lock);
    result?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

impl Supervisor<'_> {
    fn bring_up(&mut self) -> Result<()> {
        self.begin()?;

        self.steps.heading("Setting up");
        let given = Given::for_up(&self.own)?;
        given.check()?;
        let docker = self.options.services == ServiceSource::Docker;
        if docker {
            docker::check()?;
        }
        let wanted = Wanted {
            root: !docker && given.lacks_root_services(),
            bao: !docker && given.lacks_vault(),
            wasm: true,
            ..Wanted::default()
        };
        let tools = setup::ensure(&self.steps, self.paths, wanted)?;
        self.steps.say("  everything needed is here");

        self.steps.heading("Building");
        build::platform(&self.steps, self.paths, self.options.release)?;
        let toolchain = tools.wasm.as_ref().context("the WebAssembly compiler was not set up")?;
        let site = wasm::build(&self.steps, self.paths, toolchain, self.options.release)?;

        self.steps.heading("Starting services");
        let mut ports = Ports::remembered(self.paths);
        let endpoints = self.start_services(&tools, &given, &mut ports)?;

        self.steps.heading("Starting Muster");
        self.seed_secrets(&endpoints)?;
        let bots = if self.options.bots { BOTS } else { 0 };
        let fleet = Fleet::plan(&Settings { endpoints: &endpoints, site: &site, own: &self.own, bots }, &mut ports)?;
        self.migrate(&fleet)?;
        let password = self.add_staff(&fleet)?;
        for spec in [&fleet.server, &fleet.graphql, &fleet.dashboard, &fleet.retention] {
            self.start(spec)?;
        }
        if let Some(bots) = &fleet.bots {
            self.start(bots)?;
        }
        self.steps.say("  muster-operator is not started: it needs a Kubernetes API server (see its README)");

        let url = fleet.dashboard.url.clone().context("the dashboard has an address")?;
        self.state.dashboard = Some(Dashboard { url, email: EMAIL.into(), password });
        self.state.phase = Phase::Up;
        self.look()?;
        self.steps.say(&format!("\nMuster is up, after {} s.", self.steps.elapsed().as_secs()));
        self.steps.say(&where_to_look(&self.state));
        let players = if fleet.bots.is_some() {
            format!("{BOTS} players are playing.")
        } else {
            "Nobody plays (--no-bots).".into()
        };
        let stop = if self.options.background { "It runs in the background." } else { "Ctrl-C stops everything." };
        self.steps.say(&format!("\n{players} {stop}"));
        Ok(())
    }

    /// Takes over from an earlier run: a supervisor that was killed takes its children along, but some may still drain.
    fn begin(&mut self) -> Result<()> {
        let old = State::load(self.paths).unwrap_or_default();
        let alive: Vec<(String, Identity)> =
            old.recorded().into_iter().filter(|(_, identity)| identity.is_alive()).collect();
        // Until they are gone, the new state tells of them too, so that `down` would find them.
        self.state = State {
            phase: Phase::Starting,
            supervisor: Some(Identity::own()?),
            started_at: now(),
            processes: old.processes,
            services: old.services,
            ..State::default()
        };
        self.state.save(self.paths)?;
        if !alive.is_empty() {
            self.steps.step("end an earlier run", |step| {
                step.detail(alive.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
                let left = end(&alive.iter().map(|(_, identity)| *identity).collect::<Vec<_>>(), DRAIN_WITHIN);
                if let Some(first) = left.first() {
                    bail!("process {} of an earlier run does not end; end it by hand (kill -9 {0})", first.pid);
                }
                Ok(())
            })?;
        }
        self.save()
    }

    fn start_services(&mut self, tools: &Tools, given: &Given, ports: &mut Ports) -> Result<Endpoints> {
        let endpoints = if self.options.services == ServiceSource::Docker {
            self.docker = true;
            let (services, endpoints) = docker::start(&self.steps, self.paths, ports)?;
            self.services = services;
            endpoints
        } else {
            let plan = services::Plan {
                names: &services::ALL,
                tools,
                given,
                durability: Durability::Kept,
                data: self.paths.data(),
                logs: self.paths.logs(),
            };
            services::start(&self.steps, &plan, ports, &mut self.services)?;
            let private_vault =
                self.services.iter().any(|service| service.name == "openbao" && service.origin == Origin::Private);
            let token = if private_vault { Some(bao::token(&self.paths.data().join("openbao"))?) } else { None };
            services::endpoints(&self.services, given, token)?
        };
        self.save()?;
        Ok(endpoints)
    }

    /// The server reads its signing key from the Vault, as a real deployment does. It stays the same from run to run.
    fn seed_secrets(&self, endpoints: &Endpoints) -> Result<()> {
        let Some(vault) = &endpoints.vault else {
            return Ok(());
        };
        if self.own.contains_key("MUSTER__AUTH__SIGNING_KEY") {
            return Ok(());
        }
        self.steps.step("signing key", |step| {
            let key = files::kept_secret(&self.paths.run().join("signing-key.pem"), || {
                let mut command = build::clean(crate::commands::guarded(self.binaries().join("muster-server")));
                command.arg("keygen");
                capture(command, "").context("muster-server cannot make a signing key")
            })?;
            step.detail(format!("{}/{}/{SIGNING_KEY} in the Vault", bao::MOUNT, bao::PATH));
            bao::put_if_absent(vault, SIGNING_KEY, &key)
        })
    }

    fn migrate(&self, fleet: &Fleet) -> Result<()> {
        self.steps.step("migrate", |step| {
            let command = fleet.server.with_arguments(&["migrate"]).command(&self.binaries());
            run_command(step, command, &self.paths.log("migrate"), Duration::from_secs(300))
                .context("the database cannot be migrated")
        })
    }

    fn add_staff(&self, fleet: &Fleet) -> Result<String> {
        self.steps.step("staff login", |step| {
            let password = files::password();
            let arguments = ["staff", "add", "--email", EMAIL, "--role", "ADMIN", "--password-stdin"];
            let command = fleet.graphql.with_arguments(&arguments).command(&self.binaries());
            capture(command, &format!("{password}\n")).context("the staff account cannot be made")?;
            step.detail(EMAIL);
            Ok(password)
        })
    }

    /// Starts a process and waits until it is ready.
    fn start(&mut self, spec: &Spec) -> Result<()> {
        let log = self.paths.log(spec.name);
        let mut running = Running::start(spec.name, spec.command(&self.binaries()), &log, Ask::Child(Signal::SIGTERM))?;
        let result = self.steps.step(spec.name, |step| {
            step.detail(spec.url.clone().unwrap_or_else(|| format!("{BOTS} players")));
            let ready = interrupt::wait_for(READY_WITHIN, || {
                running.expect_alive()?;
                Ok(spec.ops_url.as_ref().is_none_or(|ops| http::is_ok(&format!("{ops}/readyz"))).then_some(()))
            })?;
            ready.with_context(|| {
                let health = spec.ops_url.as_ref().and_then(|ops| http::get(&format!("{ops}/readyz")).ok());
                let health = health.map_or_else(
                    || "its ops port does not answer".to_owned(),
                    |(status, body)| format!("/readyz answers {status}: {}", body.trim()),
                );
                format!(
                    "{} was not ready within {} s: {health}. Its log: {}",
                    spec.name,
                    READY_WITHIN.as_secs(),
                    log.display()
                )
            })
        });
        let ready = result.is_ok();
        self.members.push(Member { spec: spec.clone(), running, ready, told: false });
        result?;
        self.save()
    }

    fn binaries(&self) -> PathBuf {
        self.paths.binaries(self.options.release)
    }
}
