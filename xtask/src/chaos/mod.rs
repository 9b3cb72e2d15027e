//! `chaos`: a platform of its own with players on it, whose processes are killed, paused and cut off by a schedule; then an audit
//! of everything it stored. What must hold, holds whatever happened.
//!
//! * [`schedule`]: which [`fault`]s come when; follows from the seed.
//! * [`platform`] with its [`process`]es, [`proxy`], [`bots`]: what they befall.
//! * [`audit`], [`report`]: what came of it.

mod audit;
mod bots;
mod fault;
mod platform;
mod process;
mod proxy;
mod report;
mod schedule;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;

use crate::{
    build, files, interrupt,
    machine::Machine,
    output::Stream,
    paths::Paths,
    setup::{self, Tools, Wanted},
    steps::{Step, Steps, seconds},
};
use audit::audit;
use bots::Bots;
use fault::{Fault, Kind, Target};
use proxy::Proxy;
use report::{Report, Violation};

pub use fault::{Server, Service};
pub use platform::ChaosPlatform;

/// What is built: the server with its audit, and the bots.
const PACKAGES: [&str; 2] = ["muster-server", "muster-client"];
/// Between two looks at the clock and the processes.
const LOOK: Duration = Duration::from_millis(50);
/// After everything is healed players go on for so long: it has to be whole, not only up.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// How `chaos` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How long faults come
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
    /// Which faults, which bots
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many bots play
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    bots: u32,
    /// Optimised builds
    #[arg(long)]
    release: bool,
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The short form, which is a part of `test`.
    pub fn short() -> Self {
        Self { minutes: 1, seed: 1, bots: 16, release: false, json: false }
    }

    fn length(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.minutes))
    }
}

/// The command: exit code 1 when something did not hold.
pub fn command(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    steps.heading("Setting up");
    let tools = setup::ensure(&steps, paths, Wanted { root: true, ..Wanted::default() })?;
    build::binaries(&steps, paths, &PACKAGES, arguments.release)?;
    let report = run(&steps, paths, &tools, arguments)?;
    if arguments.json {
        report.print_json()?;
    } else {
        report.print_lines(Stream::Output);
    }
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts everything, breaks and mends it, stops the players, audits. What it starts is gone afterwards.
pub fn run(steps: &Steps, paths: &Paths, tools: &Tools, arguments: &Arguments) -> Result<Report> {
    let Arguments { seed, bots: count, release, .. } = *arguments;
    files::remove(&paths.logs().join("chaos"))?;
    steps.heading("Starting a platform of its own");
    let mut platform = ChaosPlatform::start(steps, paths, tools, release)?;
    let machine = Machine::look(paths);
    let mut proxy = Proxy::start(platform.gateways()?, seed)?;
    let mut bots = Bots::start(paths, release, &proxy.url, count, seed)?;

    steps.heading(&format!("Breaking it, seed {seed}"));
    let faults = schedule::plan(seed, arguments.length());
    let mut violations = Vec::new();
    steps.step("faults", |step| {
        step.detail(format!("{} in {}", faults.len(), seconds(arguments.length())));
        let mut run = Run {
            platform: &mut platform,
            proxy: &mut proxy,
            bots: &mut bots,
            down: BTreeSet::new(),
            violations: &mut violations,
        };
        run.carry_out(step, &faults, arguments.length())
    })?;
    steps.step("healing", |step| {
        violations.extend(platform.heal(step)?);
        interrupt::wait_for(AFTERWARDS, || Ok(None::<()>))?;
        violations.extend(platform.look()?);
        Ok(())
    })?;
    let seen = steps.step("last matches", |step| {
        let seen = bots.stop()?;
        step.detail(format!("{} played", seen.matches));
        Ok(seen)
    })?;
    let audited = steps.step("audit", |step| {
        let audited = audit(paths, release, &platform)?;
        step.detail(format!("{} matches, {} events", audited.matches, audited.events));
        Ok(audited)
    })?;
    violations.extend(platform.look()?);
    drop(platform);

    if audited.calm == Some(false) {
        violations.push(Violation::of_run("not_calm", "something was still in motion long after everybody had left"));
    }
    if audited.matches == 0 || seen.matches == 0 {
        violations.push(Violation::of_run("nothing_played", "no match was played to its end, so nothing was shown"));
    }
    violations.extend(seen.violations);
    violations.extend(audited.violations);
    Ok(Report {
        machine,
        build: if release { "release" } else { "debug" },
        seed,
        seconds: arguments.length().as_secs(),
        bots: count,
        matches: audited.matches,
        events: audited.events,
        players: audited.players,
        connections_dropped: seen.dropped,
        faults: faults.len(),
        faults_by_kind: report::by_kind(&faults),
        schedule: faults.iter().map(Into::into).collect(),
        violations,
    })
}

/// A schedule being carried out.
struct Run<'a> {
    platform: &'a mut ChaosPlatform,
    proxy: &'a mut Proxy,
    bots: &'a mut Bots,
    /// Services that are away.
    down: BTreeSet<Service>,
    violations: &'a mut Vec<Violation>,
}

impl Run<'_> {
    fn carry_out(&mut self, step: &Step<'_>, faults: &[Fault], length: Duration) -> Result<()> {
        let began = Instant::now();
        let mut coming = faults.iter().peekable();
        let mut lasting: Vec<&Fault> = Vec::new();
        while began.elapsed() < length {
            interrupt::check()?;
            let now = began.elapsed();
            while let Some(fault) = coming.next_if(|fault| fault.at <= now) {
                step.note(&format!("{:.0} s: {fault}", now.as_secs_f64()));
                self.begin(fault)?;
                lasting.push(fault);
            }
            let (over, still): (Vec<_>, Vec<_>) =
                lasting.into_iter().partition(|fault| fault.at + fault.lasting <= now);
            lasting = still;
            for fault in over {
                self.end(step, fault)?;
            }
            self.violations.extend(self.platform.look()?);
            self.bots.expect_alive()?;
            thread::sleep(LOOK);
        }
        for fault in lasting {
            self.end(step, fault)?;
        }
        Ok(())
    }

    fn begin(&mut self, fault: &Fault) -> Result<()> {
        match (fault.kind, fault.target) {
            (Kind::Kill, Target::Server(server)) => self.platform.kill(server),
            (Kind::Pause, Target::Server(server)) => self.platform.pause(server),
            (Kind::Drain, Target::Server(server)) => self.platform.drain(server),
            (_, Target::Service(service)) => {
                self.down.insert(service);
                self.platform.kill_service(service)
            }
            (Kind::Hang, Target::Sockets) => {
                self.proxy.hang();
                Ok(())
            }
            (_, Target::Sockets) => {
                self.proxy.cut();
                Ok(())
            }
            (Kind::Cut | Kind::Hang, Target::Server(_)) => Ok(()),
        }
    }

    fn end(&mut self, step: &Step<'_>, fault: &Fault) -> Result<()> {
        match fault.target {
            Target::Server(server) => self.platform.up(server),
            Target::Service(service) if self.down.remove(&service) => self.platform.start_service(step, service),
            Target::Service(_) => Ok(()),
            Target::Sockets => {
                self.proxy.let_through();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_command_line_is_as_documented() {
        let arguments = Line::parse_from("x --minutes 10 --seed 7 --json".split(' ')).arguments;
        assert_eq!((arguments.length(), arguments.seed, arguments.json), (Duration::from_secs(600), 7, true));
        assert!(Line::try_parse_from(["x", "--minutes", "0"]).is_err());
        assert_eq!(Arguments::short().length(), Duration::from_secs(60));
    }
}
