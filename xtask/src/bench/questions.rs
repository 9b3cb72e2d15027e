//! `bench questions`: what the questions of staff cost over a month of events.

use std::{fs, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    build,
    commands::{failure, run, watch},
    files,
    machine::Machine,
    output::{self, Stream},
    paths::Paths,
    services::{Given, scratch::ScratchServices},
    setup::{self, Wanted},
    steps::Steps,
};

/// How long loading and asking may take.
const WITHIN: Duration = Duration::from_secs(3 * 3600);

/// How long a question may take, in milliseconds: 95 of 100.
const BAR: f64 = 200.0;

/// How `bench questions` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many events the players of 30 days make; facts are made of all of them
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=1_000_000_000))]
    events: u64,
    /// How many of them are stored in telemetry.events too, about 700 bytes each; no question reads them
    #[arg(long, default_value_t = 0)]
    raw_events: u64,
    /// How often each question is asked
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Which players they are
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    debug_build: bool,
}

#[derive(Debug, Deserialize)]
struct Cost {
    question: String,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    entries: u64,
}

/// Starts services, makes players, asks; exit code 1 when events were lost on the way into the facts.
pub fn questions(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    let tools = setup::ensure(&steps, paths, Wanted { root: true, ..Wanted::default() })?;
    let report = paths.muster.join("bench/questions.json");
    files::remove(&report)?;
    fs::create_dir_all(paths.muster.join("bench")).context("cannot make a folder for the report")?;
    steps.step("cargo bench --no-run", |step| {
        let mut command = cargo(paths, arguments);
        command.arg("--no-run");
        run(step, command, &paths.log("bench-questions-build"), build::WITHIN).context("the benchmark does not build")
    })?;
    // A person's own services hold their data; these are gone afterwards.
    let services = ScratchServices::start(&steps, paths, &tools, &Given::default(), &["postgres", "redis", "nats"])?;
    let machine = Machine::look(paths);
    let log = paths.log("bench-questions");
    steps.step("load and ask", |step| {
        let mut command = cargo(paths, arguments);
        for (name, value) in [("POSTGRES", "postgres"), ("REDIS", "redis"), ("NATS", "nats")] {
            command.env(format!("MUSTER_BENCH_{name}"), services.url(value)?);
        }
        command
            .env("MUSTER_BENCH_REPORT", &report)
            .env("MUSTER_BENCH_EVENTS", arguments.events.to_string())
            .env("MUSTER_BENCH_RAW", arguments.raw_events.to_string())
            .env("MUSTER_BENCH_ROUNDS", arguments.rounds.to_string())
            .env("MUSTER_BENCH_SEED", arguments.seed.to_string());
        let status = watch(command, &log, WITHIN, |line| step.note(line))?;
        if status.success() { Ok(()) } else { Err(failure("cargo bench", status, &log)) }
    })?;
    drop(services);

    let text = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let mut measured: Value = serde_json::from_str(&text).context("the report is JSON")?;
    let costs: Vec<Cost> =
        serde_json::from_value(measured["questions"].clone()).context("the report has the questions")?;
    let exact = measured["events"] == measured["events_counted"];
    if arguments.json {
        measured["machine"] = json!(machine);
        measured["build"] = json!(if arguments.debug_build { "debug" } else { "release" });
        measured["bar_p95_ms"] = json!(BAR);
        output::line(serde_json::to_string_pretty(&measured).context("the report is JSON")?);
    } else {
        print_table(&machine, &measured, &costs);
    }
    if !exact {
        steps.say("\nerror: the facts hold another number of events than were made");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo(paths: &Paths, arguments: &Arguments) -> std::process::Command {
    let mut command = build::cargo();
    command.args(["bench", "--package", "muster-store", "--bench", "questions"]).current_dir(&paths.workspace);
    if arguments.debug_build {
        command.args(["--profile", "dev"]);
    }
    command
}

fn print_table(machine: &Machine, measured: &Value, costs: &[Cost]) {
    output::line(format_args!(
        "\n{}\n{} events of {} days, {} of them stored raw; loading took {:.0} s, of them {:.0} to record, {:.0} to fold and {:.0} to pack\n",
        machine.line(),
        measured["events"],
        measured["days"],
        measured["raw_events"],
        measured["loading_s"].as_f64().unwrap_or_default(),
        measured["recording_s"].as_f64().unwrap_or_default(),
        measured["folding_s"].as_f64().unwrap_or_default(),
        measured["packing_s"].as_f64().unwrap_or_default()
    ));
    output::line(format_args!("{:<42} {:>9} {:>9} {:>9} {:>8}", "question", "p50 ms", "p95 ms", "max ms", "entries"));
    for cost in costs {
        let bar = if cost.p95_ms <= BAR { "met" } else { "MISSED" };
        output::line(format_args!(
            "{:<42} {:>9.1} {:>9.1} {:>9.1} {:>8}   ≤ {BAR} ms {bar}",
            cost.question, cost.p50_ms, cost.p95_ms, cost.max_ms, cost.entries
        ));
    }
}
