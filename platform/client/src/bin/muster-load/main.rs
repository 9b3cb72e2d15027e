//! `muster-load`: a platform under a known load, and a clock beside every answer.
//!
//! [`queue`]: players ask for matches, at one moment or by the clock; measured is what a player waits. [`play`]: many matches at
//! once with a move a second each, among idle sockets; measured is how long it takes until both players are told of a move, and
//! what sockets and matches cost the server. [`ingest`]: events over HTTP, each batch until it is acknowledged; measured is how many are
//! taken and stored. Everything that is told is checked while it goes, and against the platform's own
//! word afterwards: a figure of a run that broke a rule means nothing. `cargo xtask load` starts a platform for this program,
//! which can also be pointed at one that runs already.
//!
//! It shares the machine with what it measures, so it is one thread: a task a socket ([`socket`]), frames read only as far as
//! needed, everything else done by one conductor.

mod args;
mod crew;
mod gauges;
mod ingest;
mod open_files;
mod percentiles;
mod play;
mod queue;
mod socket;

use std::fs;

use anyhow::{Context, bail};
use clap::Parser;
use muster_client::Client;
use serde::Serialize;

use args::{Args, Load, Reach};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Args::parse().load {
        Load::Queue(args) => {
            args.check()?;
            let report = queue::run(&args, &client(&args.reach)?).await?;
            hand_over(&args.reach, &report, report.violations, &report.violation_examples)
        }
        Load::Ingest(args) => {
            args.check()?;
            let report = ingest::run(&args, &client(&args.reach)?).await?;
            hand_over(&args.reach, &report, report.violations, &report.violation_examples)
        }
        Load::Play(args) => {
            args.check()?;
            let report = play::run(&args, &client(&args.reach)?).await?;
            hand_over(&args.reach, &report, report.violations, &report.violation_examples)
        }
    }
}

fn client(reach: &Reach) -> anyhow::Result<Client> {
    Client::new(&reach.url).with_context(|| format!("--url {}", reach.url))
}

/// Writes the report; broken rules are a failure, and the report tells of them.
fn hand_over(reach: &Reach, report: &impl Serialize, violations: u64, examples: &[String]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report).context("the report is JSON")?;
    match &reach.output {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => print(&text),
    }
    if violations > 0 {
        bail!("{violations} rules were broken: {}", examples.join("; "));
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(text: &str) {
    println!("{text}");
}

/// A line for the person who waits.
#[allow(clippy::print_stderr, reason = "progress of a command line")]
fn progress(text: impl std::fmt::Display) {
    eprintln!("{text}");
}
