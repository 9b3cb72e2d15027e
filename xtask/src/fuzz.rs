//! `fuzz`: hostile bodies against a parser, for as long as somebody has time.

use std::{fs, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    build,
    commands::{failure, run, watch},
    output::{self, Stream},
    paths::Paths,
    steps::Steps,
};

/// The parser of event batches: without a platform, a database or a socket.
const INGEST: &str = "gateway::actions::events::fuzz::for_as_long_as_it_is_told_to";

/// Besides the time it is told.
const BESIDES: Duration = Duration::from_secs(60);

/// How `fuzz ingest` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// For how long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// Which bodies: the same for the same seed, in the same order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this body of the seed, as a finding names it
    #[arg(long)]
    body: Option<u64>,
}

/// Builds in release mode, makes bodies, prints how many they were; a finding is exit code 1, with how to have it again.
pub fn ingest(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    steps.step("cargo test --no-run", |step| {
        let mut command = cargo(paths);
        command.arg("--no-run");
        run(step, command, &paths.log("fuzz-build"), build::WITHIN).context("the fuzzer does not build")
    })?;
    let seconds = u64::from(arguments.minutes) * 60;
    let log = paths.log("fuzz-ingest");
    steps.step("fuzz ingest", |step| {
        let mut command = cargo(paths);
        command.args(["--", "--ignored", "--exact", INGEST, "--nocapture"]);
        command.env("MUSTER_FUZZ_SECONDS", seconds.to_string()).env("MUSTER_FUZZ_SEED", arguments.seed.to_string());
        if let Some(body) = arguments.body {
            command.env("MUSTER_FUZZ_BODY", body.to_string());
        }
        let status = watch(command, &log, Duration::from_secs(seconds) + BESIDES, |line| step.note(line))?;
        if status.success() { Ok(()) } else { Err(failure("cargo test", status, &log)) }
    })?;
    let text = fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
    if let Some(counts) = text.lines().rfind(|line| line.starts_with('{')) {
        output::line(counts);
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo(paths: &Paths) -> std::process::Command {
    let mut command = build::cargo();
    command.args(["test", "--release", "--package", "muster-server", "--lib"]).current_dir(&paths.workspace);
    command
}
