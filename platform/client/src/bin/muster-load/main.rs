//! `muster-load`: players that queue on command, and a clock beside each ticket.
//!
//! Either all players ask for a match at one moment, or tickets come by the clock, so many a second, whatever becomes of those
//! before them. Measured is what a player waits: from `ticket.create` to its acknowledgement, and to `match.found`. Every match
//! is checked while it goes ([`book`]), every last ticket afterwards ([`tickets`]). `cargo xtask load queue` starts a platform
//! for it and this program, which can also be pointed at a platform that runs already.
//!
//! It shares the machine with what it measures, so it is one thread: a task a socket, frames read only as far as needed
//! ([`wire`]), everything else done by one conductor ([`run`]).

mod args;
mod book;
mod crew;
mod gauges;
mod player;
mod report;
mod run;
mod tickets;
mod wire;

use std::fs;

use anyhow::{Context, bail};
use clap::Parser;
use muster_client::Client;

use args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    args.check()?;
    let client = Client::new(&args.url).with_context(|| format!("--url {}", args.url))?;
    let report = run::run(&args, &client).await?;
    let text = serde_json::to_string_pretty(&report).context("the report is JSON")?;
    match &args.output {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => print(&text),
    }
    if report.violations > 0 {
        bail!("{} rules were broken: {}", report.violations, report.violation_examples.join("; "));
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
