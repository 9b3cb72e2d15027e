//! `load play`: matches at once, a move a second each, among idle sockets.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Args;

use super::{
    Job, measure,
    report::{Report, bar, line},
};
use crate::{output, paths::Paths};

/// How long it may take until both players are told of a move, in milliseconds: 99 of 100.
const MOVE_BAR: f64 = 10.0;
/// What an idle socket may add to the server's resident memory, in bytes.
const SOCKET_BAR: f64 = 12.0 * 1024.0;

/// How `load play` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many matches are played at once, by two players each
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    matches: u32,
    /// How many further sockets are open, signed in and idle
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    sockets: u32,
    /// For how long moves are measured
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// One of the shipped queues: its rules are what is played
    #[arg(long, default_value = "classic-casual")]
    queue: String,
    /// From one move of a match to its next, e.g. 500ms
    #[arg(long, default_value = "1s")]
    interval: String,
    /// Which players they are, how they play, and when in the interval each match has its move
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    debug_build: bool,
}

impl Arguments {
    /// What is done, in words.
    fn what(&self) -> String {
        format!("{} matches at once, a move every {}, {} idle sockets", self.matches, self.interval, self.sockets)
    }

    /// For `muster-load`.
    fn job(&self) -> Job {
        let options = [
            ("--matches", self.matches.to_string()),
            ("--sockets", self.sockets.to_string()),
            ("--seconds", self.seconds.to_string()),
            ("--queue", self.queue.clone()),
            ("--interval", self.interval.clone()),
            ("--seed", self.seed.to_string()),
        ];
        let words = std::iter::once("play".to_owned())
            .chain(options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        Job {
            words: words.collect(),
            what: self.what(),
            sockets: 2 * u64::from(self.matches) + u64::from(self.sockets),
            measured: Duration::from_secs(self.seconds.into()),
            seed: self.seed,
            release: !self.debug_build,
        }
    }
}

/// Starts a platform, lets players play, prints the figures; exit code 1 when a match broke a rule.
pub fn play(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
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
    report.print_percentiles("told to both", "move_ms", Some(MOVE_BAR));
    report.print_percentiles("acknowledged", "ack_ms", None);
    report.print_percentiles("sent too late by", "late_ms", None);
    output::line("");
    line("moves", format_args!("{} in {:.1} s", number("moves"), number("seconds")));
    line(
        "matches",
        format_args!(
            "{} at once, never less than {}; {} ended and were replaced",
            number("matches"),
            number("fewest_matches"),
            number("ended")
        ),
    );
    line("moves that had to wait", format_args!("{} (the one before was not told yet)", number("behind")));
    line("logs compared", number("logs_compared"));
    line(
        "seconds with slow moves",
        format_args!("{} of {:.0}", figures.list("slow_seconds").count(), number("seconds")),
    );
    report.print_troubles();
    if let Some(bytes) = figures.number("rss_bytes_per_idle_socket") {
        let second = figures.number("rss_bytes_per_idle_socket_second_half").unwrap_or(bytes);
        line(
            "memory per idle socket",
            format_args!("{bytes:.0} B, of the second half {second:.0} B   {}", bar(bytes, SOCKET_BAR, "B")),
        );
    }
    if let Some(bytes) = figures.number("rss_bytes_per_match") {
        line("memory per match", format_args!("{bytes:.0} B"));
    }
    if let Some(micros) = figures.number("server_cpu_us_per_move") {
        let net = number("server_cpu_us_per_move_net");
        line("server CPU per move", format_args!("{micros:.0} µs, {net:.0} µs without what sockets cost at rest"));
        let per_match = number("server_cpu_us_per_match_second");
        line("server CPU per match", format_args!("{per_match:.0} µs a second"));
    }
    let cpus = |name| figures.number(name).map_or_else(|| "unknown".to_owned(), |cpus| format!("{cpus:.2}"));
    line(
        "CPUs busy",
        format_args!(
            "server {} (at rest {}), generator {}",
            cpus("server_cpus"),
            cpus("server_cpus_at_rest"),
            cpus("generator_cpus")
        ),
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

    #[test]
    fn the_generator_is_told_what_was_asked() {
        let arguments = Line::parse_from(["x", "--matches", "20", "--sockets", "30", "--seconds", "7"]).arguments;
        let job = arguments.job();
        assert_eq!(
            job.words.join(" "),
            "play --matches 20 --sockets 30 --seconds 7 --queue classic-casual --interval 1s --seed 1"
        );
        assert_eq!((job.sockets, job.measured), (70, Duration::from_secs(7)));
    }
}
