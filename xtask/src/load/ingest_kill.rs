//! `load ingest --kill`: everything that an event passes is killed while events come, and started again. At the end each event
//! that was acknowledged is there once, or the run has failed.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{
    BESIDES, OTHER_FILES, PACKAGES, allow_sockets,
    figures::Figures,
    ingest::Arguments,
    ingest_census::{self, Census},
    report::Report,
};
use crate::{
    build,
    chaos::{ChaosPlatform, Server, Service},
    commands::guarded,
    files, interrupt,
    machine::Machine,
    output::Stream,
    paths::Paths,
    processes::{Ask, Running},
    setup::{self, Wanted},
    steps::{Step, Steps},
};

/// Between two looks at the clock and the processes.
const LOOK: Duration = Duration::from_millis(50);

/// What is killed, when (in hundredths of the run), and for how long (in seconds).
const FAULTS: [(u64, u64, &[Victim]); 8] = [
    (6, 2, &[WRITER]),
    (16, 2, &[GATEWAY]),
    (26, 3, &[Victim::Service(Service::Nats)]),
    (40, 3, &[Victim::Service(Service::Postgres)]),
    (54, 2, &[WRITER, OTHER_WRITER]),
    (64, 2, &[GATEWAY, WRITER]),
    (74, 3, &[Victim::Service(Service::Nats), OTHER_WRITER]),
    (86, 3, &[Victim::Service(Service::Postgres), GATEWAY, Victim::Service(Service::Nats)]),
];

const WRITER: Victim = Victim::Server(Server::Writer(0));
const OTHER_WRITER: Victim = Victim::Server(Server::Writer(1));
const GATEWAY: Victim = Victim::Server(Server::Gateway(0));

#[derive(Clone, Copy, Debug)]
enum Victim {
    Server(Server),
    Service(Service),
}

impl Victim {
    fn name(self) -> String {
        match self {
            Self::Server(server) => server.to_string(),
            Self::Service(service) => service.name().to_owned(),
        }
    }
}

/// Starts a platform of many processes, sends events, kills and starts again, counts.
pub fn run(paths: &Paths, arguments: &Arguments) -> Result<(Report, Census)> {
    let (job, steps) = (arguments.job(), Steps::on(Stream::Errors));
    allow_sockets(job.sockets + OTHER_FILES)?;
    steps.heading("Setting up");
    let tools = setup::ensure(&steps, paths, Wanted { root: true, ..Wanted::default() })?;
    build::binaries(&steps, paths, &PACKAGES, job.release)?;
    files::remove(&paths.logs().join("chaos"))?;

    steps.heading("Starting a platform of its own");
    let mut platform = ChaosPlatform::start(&steps, paths, &tools, job.release)?;
    let binary = paths.binaries(job.release).join("muster-server");
    let stores = platform.stores();
    let server = |arguments: &[&str]| {
        let mut command = build::clean(guarded(&binary));
        command.envs(stores.clone()).args(arguments);
        command
    };
    ingest_census::make_type(paths, server)?;
    let machine = Machine::look(paths);

    steps.heading("Sending, and killing");
    let output = paths.test().join(format!("load-{}.json", std::process::id()));
    let gateway = platform.gateways()?.first().copied().context("there is a gateway")?;
    let mut command = guarded(paths.binaries(job.release).join("muster-load"));
    command.args(&job.words).arg("--url").arg(format!("http://{gateway}")).arg("--output").arg(&output);
    let log = paths.log("load/muster-load");
    let mut generator = Running::start("muster-load", command, &log, Ask::Child(Signal::SIGTERM))?;
    let mut told = Vec::new();
    let mut troubles = Vec::new();
    steps.step("muster-load", |step| {
        step.detail(job.what.clone());
        let mut killing = Killing { platform: &mut platform, told: &mut told, troubles: &mut troubles };
        killing.carry_out(step, job.measured, &mut generator)?;
        let ended = interrupt::wait_for(BESIDES, || Ok(generator.exit()))?;
        let Some(status) = ended else {
            generator.kill();
            bail!("muster-load did not end; see {}", log.display());
        };
        if !output.is_file() {
            bail!("{}", generator.obituary(status));
        }
        Ok(())
    })?;
    let figures: Figures =
        serde_json::from_str(&fs::read_to_string(&output)?).context("muster-load wrote something else than figures")?;
    files::remove(&output)?;
    steps.step("healing", |step| {
        troubles.extend(platform.heal(step)?.into_iter().map(|violation| violation.detail));
        Ok(())
    })?;
    let census = steps.step("recount", |_| Census::take(&figures, server))?;
    let troubled = troubles.len() as u64 + figures.violations();
    let figures = figures.with("faults", told).with("violations", troubled).with("troubles", troubles);
    let report = Report {
        machine,
        build: if job.release { "release" } else { "debug" },
        services: BTreeMap::new(),
        settings: BTreeMap::new(),
        seed: job.seed,
        tick_ms: 100.0,
        figures,
    };
    Ok((report, census))
}

struct Killing<'a> {
    platform: &'a mut ChaosPlatform,
    told: &'a mut Vec<String>,
    troubles: &'a mut Vec<String>,
}

impl Killing<'_> {
    fn carry_out(&mut self, step: &Step<'_>, length: Duration, generator: &mut Running) -> Result<()> {
        let began = Instant::now();
        for (hundredths, lasting, victims) in FAULTS {
            self.wait(began + length.mul_f64(hundredths as f64 / 100.0), generator)?;
            let names: Vec<String> = victims.iter().map(|victim| victim.name()).collect();
            let text = format!("{:.0} s: kill {}, for {lasting} s", began.elapsed().as_secs_f64(), names.join(", "));
            step.note(&text);
            self.told.push(text);
            for victim in victims {
                match *victim {
                    Victim::Server(server) => self.platform.kill(server)?,
                    Victim::Service(service) => self.platform.kill_service(service)?,
                }
            }
            self.wait(Instant::now() + Duration::from_secs(lasting), generator)?;
            // What others stand on first.
            for victim in victims {
                if let Victim::Service(service) = *victim {
                    self.platform.start_service(step, service)?;
                }
            }
            for victim in victims {
                if let Victim::Server(server) = *victim {
                    self.platform.up(server)?;
                }
            }
        }
        self.wait(began + length, generator)
    }

    /// Meanwhile processes that gave up because a service was away are started again.
    fn wait(&mut self, until: Instant, generator: &mut Running) -> Result<()> {
        while Instant::now() < until {
            interrupt::check()?;
            self.troubles.extend(self.platform.look()?.into_iter().map(|violation| violation.detail));
            if let Some(status) = generator.exit().filter(|status| !status.success()) {
                bail!("{}", generator.obituary(status));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}
