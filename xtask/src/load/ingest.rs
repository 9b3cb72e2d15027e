//! `load ingest`: events over HTTP, into the stream, into the hypertable and its rollups.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use clap::Args;

use super::{
    Job, OTHER_FILES, PACKAGES, allow_sockets, generate,
    ingest_census::{self, Census},
    ingest_kill,
    report::{Report, line},
    scratch_platform::ScratchPlatform,
};
use crate::{
    build,
    machine::Machine,
    output,
    output::Stream,
    paths::Paths,
    setup::{self, Wanted},
    steps::Steps,
};

/// Events a second that have to come through to the hypertable.
const STORED_BAR: f64 = 40_000.0;
/// Events a second that the stream has to take.
const ACCEPTED_BAR: f64 = 60_000.0;

/// How `load ingest` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// For how long events are sent
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=86_400))]
    pub(super) seconds: u32,
    /// Events a second, by the clock; as many as are taken when absent, and 2,000 with --kill
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) rate: Option<u32>,
    /// How many requests are under way at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) senders: u16,
    /// Events of a request
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(super) batch: u16,
    /// Bytes of an event, as JSON
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u16).range(400..=1_900))]
    pub(super) bytes: u16,
    /// How many players tell of events
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(super) players: u32,
    /// Kill the writers, the gateway, NATS and PostgreSQL meanwhile, and see whether each acknowledged event is there once
    #[arg(long)]
    kill: bool,
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    pub(super) debug_build: bool,
}

impl Arguments {
    /// What is done, in words.
    fn what(&self) -> String {
        let rate = self.rate().map_or_else(|| "as many as are taken".to_owned(), |rate| format!("{rate} a second"));
        format!("events of {} bytes, {rate}, {} a request", self.bytes, self.batch)
    }

    /// What survives is shown at any rate; everything on the machine is started again and again meanwhile.
    fn rate(&self) -> Option<u32> {
        self.rate.or(self.kill.then_some(2_000))
    }

    /// For `muster-load`.
    pub(super) fn job(&self) -> Job {
        let mut options = vec![
            ("--seconds", self.seconds.to_string()),
            ("--players", self.players.to_string()),
            ("--senders", self.senders.to_string()),
            ("--batch", self.batch.to_string()),
            ("--bytes", self.bytes.to_string()),
            ("--kind", ingest_census::KIND.to_owned()),
        ];
        options.extend(self.rate().map(|rate| ("--rate", rate.to_string())));
        let words = std::iter::once("ingest".to_owned())
            .chain(options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        Job {
            words: words.collect(),
            what: self.what(),
            sockets: self.senders.into(),
            measured: Duration::from_secs(self.seconds.into()),
            seed: 1,
            release: !self.debug_build,
        }
    }
}

/// Starts a platform, sends events, counts what is stored, prints the figures; exit code 1 when an acknowledged event is not stored
/// once, or a rollup is not exact.
pub fn ingest(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let (report, census) =
        if arguments.kill { ingest_kill::run(paths, arguments)? } else { measure(paths, &arguments.job())? };
    let report = Report { figures: census.beside(report.figures), ..report };
    if arguments.json {
        report.print_json()?;
    } else {
        print_table(&report, &arguments.what());
    }
    let fine = report.figures.violations() == 0 && census.fits();
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(paths: &Paths, job: &Job) -> Result<(Report, Census)> {
    let steps = Steps::on(Stream::Errors);
    allow_sockets(job.sockets + OTHER_FILES)?;
    steps.heading("Setting up");
    let tools = setup::ensure(&steps, paths, Wanted { root: true, bao: true, ..Wanted::default() })?;
    build::binaries(&steps, paths, &PACKAGES, job.release)?;

    steps.heading("Starting a platform of its own");
    let platform = ScratchPlatform::start(&steps, paths, &tools, job.release)?;
    ingest_census::make_type(paths, |arguments| platform.command(arguments))?;
    let machine = Machine::look(paths);

    steps.heading("Measuring");
    let figures = generate(&steps, paths, job, &platform)?;
    let census = steps.step("recount", |_| Census::take(&figures, |arguments| platform.command(arguments)))?;
    let report = Report {
        machine,
        build: if job.release { "release" } else { "debug" },
        services: platform.services(),
        settings: platform.settings(),
        seed: job.seed,
        tick_ms: platform.tick_ms(),
        figures,
    };
    Ok((report, census))
}

fn print_table(report: &Report, what: &str) {
    let figures = &report.figures;
    let number = |name| figures.number(name).unwrap_or_default();
    let floor = |value: f64, limit: f64| {
        format!("{value:.0} /s   ≥ {limit} /s {}", if value >= limit { "met" } else { "MISSED" })
    };
    report.print_head(what);
    report.print_percentiles("acknowledged", "ack_ms", None);
    output::line("");
    line("accepted", floor(number("accepted_per_s"), ACCEPTED_BAR));
    if let Some(stored) = figures.number("stored_per_s") {
        line("stored, end to end", floor(stored, STORED_BAR));
        line("stored while sending", format_args!("{:.0} /s", number("stored_while_sending_per_s")));
        line("lag at the end", format_args!("{:.0} ms", number("lag_ms")));
        line("most that waited", format_args!("{:.0} events", number("backlog_max_events")));
    }
    line("events", format_args!("{:.0} in {:.1} s", number("acknowledged"), number("seconds")));
    line("lost", number("lost"));
    line("duplicates", number("duplicates"));
    line("checksum of ids", if figures.is("checksum_matches") { "matches" } else { "DIFFERS" });
    line("rollups", if figures.is("rollups_exact") { "exact" } else { "DIFFER" });
    for (why, count) in figures.counts("retries") {
        line("sent again", format_args!("{count} ({why})"));
    }
    for fault in figures.texts("faults") {
        line("fault", fault);
    }
    report.print_troubles();
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
        let arguments = Line::parse_from(["x", "--seconds", "7", "--rate", "40000"]).arguments;
        assert_eq!(
            arguments.job().words.join(" "),
            "ingest --seconds 7 --players 200 --senders 8 --batch 500 --bytes 512 --kind load.step --rate 40000"
        );
        let arguments = Line::parse_from(["x", "--kill"]).arguments;
        assert!(arguments.job().words.join(" ").ends_with("--rate 2000"));
    }
}
