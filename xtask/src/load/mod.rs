//! `load`: a whole platform of its own, and players who ask for matches through real sockets.

mod figures;
mod report;
mod scratch_platform;

use std::{fs, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    build,
    commands::{failure, guarded, watch},
    files,
    machine::Machine,
    output::Stream,
    paths::Paths,
    setup::{self, Wanted},
    steps::Steps,
};
use figures::Figures;
use report::Report;
use scratch_platform::ScratchPlatform;

/// What is built: the server, and the SDK with the load generator.
const PACKAGES: [&str; 2] = ["muster-server", "muster-client"];
/// Open files of the server besides its sockets.
const OTHER_FILES: u64 = 512;
/// How long everything but the measured time may take: signing in above all.
const BESIDES: Duration = Duration::from_secs(20 * 60);

/// How `load queue` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many players, each with a socket; with --rate, 5 for each ticket a second unless said otherwise
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=200_000))]
    players: Option<u32>,
    /// Tickets a second, by the clock; without it, all players queue at one moment
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// For how long, with --rate
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400), requires = "rate")]
    seconds: u32,
    /// One of the shipped queues
    #[arg(long, default_value = "classic-casual")]
    queue: String,
    /// Which players they are, and when tickets come
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many further players queue and play before anything is measured; none finds the server cold
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    warm_up: u32,
    /// Each player says how far away the queue's regions are, one of them near
    #[arg(long)]
    latencies: bool,
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    debug_build: bool,
}

impl Arguments {
    fn players(&self) -> u32 {
        self.players.unwrap_or_else(|| self.rate.map_or(1_000, |rate| rate.saturating_mul(5).clamp(100, 200_000)))
    }

    /// For `muster-load`.
    fn for_generator(&self) -> Vec<String> {
        let mut words: Vec<String> = ["--players".into(), self.players().to_string()].to_vec();
        words.extend(["--queue".into(), self.queue.clone(), "--seed".into(), self.seed.to_string()]);
        words.extend(["--warm-up".into(), self.warm_up.to_string()]);
        if let Some(rate) = self.rate {
            words.extend(["--rate".into(), rate.to_string(), "--seconds".into(), self.seconds.to_string()]);
        }
        if self.latencies {
            words.push("--latencies".into());
        }
        words
    }

    fn within(&self) -> Duration {
        BESIDES + self.rate.map_or(Duration::ZERO, |_| Duration::from_secs(self.seconds.into()))
    }
}

/// Starts a platform, lets players queue, prints the figures; exit code 1 when a match broke a rule.
pub fn queue(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    allow_sockets(u64::from(arguments.players()) + u64::from(arguments.warm_up) + OTHER_FILES)?;
    let release = !arguments.debug_build;
    steps.heading("Setting up");
    let tools = setup::ensure(&steps, paths, Wanted { root: true, bao: true, ..Wanted::default() })?;
    build::binaries(&steps, paths, &PACKAGES, release)?;

    steps.heading("Starting a platform of its own");
    let platform = ScratchPlatform::start(&steps, paths, &tools, release)?;
    let machine = Machine::look(paths);

    steps.heading("Measuring");
    let figures = measure(&steps, paths, arguments, &platform)?;
    let report = Report {
        machine,
        build: if release { "release" } else { "debug" },
        services: platform.services(),
        settings: platform.settings(),
        seed: arguments.seed,
        warm_up: arguments.warm_up,
        tick_ms: platform.tick_ms(),
        figures,
    };
    drop(platform);
    if arguments.json {
        report.print_json()?;
    } else {
        report.print_table();
    }
    Ok(if report.figures.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(steps: &Steps, paths: &Paths, arguments: &Arguments, platform: &ScratchPlatform) -> Result<Figures> {
    let output = paths.test().join(format!("load-{}.json", std::process::id()));
    let log = paths.log("load/muster-load");
    let figures = steps.step("muster-load", |step| {
        step.detail(match arguments.rate {
            Some(rate) => format!("{} players, {rate} tickets a second", arguments.players()),
            None => format!("{} players at one moment", arguments.players()),
        });
        let mut command = guarded(paths.binaries(!arguments.debug_build).join("muster-load"));
        command.args(["--url", &platform.url, "--ops-url", &platform.ops_url]).arg("--output").arg(&output);
        command.args(arguments.for_generator());
        let status = watch(command, &log, arguments.within(), |line| step.note(line))?;
        // Broken rules make it fail too; the figures tell of them.
        match fs::read_to_string(&output) {
            Ok(text) => serde_json::from_str(&text).context("muster-load wrote something else than figures"),
            Err(_) => Err(failure("muster-load", status, &log)),
        }
    });
    files::remove(&output)?;
    figures
}

/// Every socket is an open file, here and in the server; both inherit what this process may have.
fn allow_sockets(needed: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        bail!(
            "so many players need {needed} open files, and this user may have {hard}; fewer --players, or a higher limit (`ulimit -Hn`, /etc/security/limits.conf)"
        );
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).with_context(|| format!("cannot allow {needed} open files"))
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

    fn arguments(words: &str) -> Arguments {
        Line::parse_from(std::iter::once("x").chain(words.split_whitespace())).arguments
    }

    #[test]
    fn the_generator_is_told_what_was_asked() {
        let burst = arguments("").for_generator().join(" ");
        assert_eq!(burst, "--players 1000 --queue classic-casual --seed 1 --warm-up 0");
        let steady = arguments("--rate 100 --seconds 5 --latencies --seed 9");
        let words = steady.for_generator().join(" ");
        assert!(
            words.starts_with("--players 500 ") && words.ends_with("--rate 100 --seconds 5 --latencies"),
            "{words}"
        );
        assert!(steady.within() > BESIDES);
        assert!(Line::try_parse_from(["x", "--seconds", "5"]).is_err());
    }
}
