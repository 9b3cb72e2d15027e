//! `load queue`: players who ask for matches.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Args;

use super::{
    Job, measure,
    report::{Report, bar, line},
};
use crate::{output, paths::Paths};

/// How long an acknowledgement may take, in milliseconds: 99 of 100.
const ACK_BAR: f64 = 50.0;
/// How long a match may take beyond one tick, in milliseconds: 99 of 100.
const MATCHED_BAR: f64 = 100.0;
/// What a ticket may cost the server, in microseconds of processor time.
const CPU_BAR: f64 = 100.0;

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

    /// What is done, in words.
    fn what(&self) -> String {
        match self.rate {
            Some(rate) => format!("{rate} tickets a second by the clock, {} players", self.players()),
            None => format!("{} players at one moment", self.players()),
        }
    }

    /// For `muster-load`.
    fn job(&self) -> Job {
        let mut words = ["queue", "--players"].map(str::to_owned).to_vec();
        words.push(self.players().to_string());
        words.extend(["--queue".into(), self.queue.clone(), "--seed".into(), self.seed.to_string()]);
        words.extend(["--warm-up".into(), self.warm_up.to_string()]);
        if let Some(rate) = self.rate {
            words.extend(["--rate".into(), rate.to_string(), "--seconds".into(), self.seconds.to_string()]);
        }
        if self.latencies {
            words.push("--latencies".into());
        }
        Job {
            words,
            what: self.what(),
            sockets: u64::from(self.players()) + u64::from(self.warm_up),
            measured: self.rate.map_or(Duration::ZERO, |_| Duration::from_secs(self.seconds.into())),
            seed: self.seed,
            release: !self.debug_build,
        }
    }
}

/// Starts a platform, lets players queue, prints the figures; exit code 1 when a match broke a rule.
pub fn queue(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let report = measure(paths, &arguments.job())?;
    if arguments.json {
        report.print_json()?;
    } else {
        print_table(&report, &arguments.what());
    }
    Ok(if report.figures.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A table, with what should be reached.
fn print_table(report: &Report, what: &str) {
    let figures = &report.figures;
    let number = |name| figures.number(name).unwrap_or_default();
    report.print_head(what);
    report.print_percentiles("acknowledged", "ack_ms", Some(ACK_BAR));
    report.print_percentiles("matched", "matched_ms", Some(report.tick_ms + MATCHED_BAR));
    output::line("");
    line("tickets", format_args!("{} in {:.1} s, {} matches", number("tickets"), number("seconds"), number("matches")));
    line("unmatched", number("unmatched"));
    report.print_troubles();
    if number("starved") > 0.0 {
        line("not asked for", format_args!("{}, because no player was free: raise --players", number("starved")));
    }
    if let Some(micros) = figures.number("server_cpu_us_per_ticket") {
        let besides = match number("left") {
            0.0 => String::new(),
            left => format!(", the leaving and settling of {left} matches included"),
        };
        line("server CPU per ticket", format_args!("{micros:.0} µs{besides}   {}", bar(micros, CPU_BAR, "µs")));
    }
    let seconds = |name| figures.number(name).map_or_else(|| "unknown".to_owned(), |seconds| format!("{seconds:.2} s"));
    line(
        "CPU, server and generator",
        format_args!("{} and {}", seconds("server_cpu_seconds"), seconds("generator_cpu_seconds")),
    );
    report.print_machine_busy();
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

    fn job(words: &str) -> Job {
        Line::parse_from(std::iter::once("x").chain(words.split_whitespace())).arguments.job()
    }

    #[test]
    fn the_generator_is_told_what_was_asked() {
        let burst = job("");
        assert_eq!(burst.words.join(" "), "queue --players 1000 --queue classic-casual --seed 1 --warm-up 0");
        assert_eq!((burst.sockets, burst.measured), (1_000, Duration::ZERO));
        let steady = job("--rate 100 --seconds 5 --latencies --seed 9 --warm-up 20");
        let words = steady.words.join(" ");
        assert!(words.starts_with("queue --players 500 "), "{words}");
        assert!(words.ends_with("--rate 100 --seconds 5 --latencies"), "{words}");
        assert_eq!((steady.sockets, steady.measured), (520, Duration::from_secs(5)));
        assert!(Line::try_parse_from(["x", "--seconds", "5"]).is_err());
    }
}
