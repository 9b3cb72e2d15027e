//! `muster-audit`: whether what the platform has stored is true.
//!
//! It reads, and changes nothing. It may run beside a platform in use (what is in motion is looked at twice before it counts) and
//! against one that stands still. Its memory does not grow with the history: everything is read in pages.
//!
//! * [`checks::matches`]: one outcome a match, events without a hole that replay to it, ratings moved by it as the rules say.
//! * [`checks::ratings`]: a player's rating is what their history makes of it; nobody plays two matches at once.
//! * [`checks::leaderboards`]: they have what the ratings say, and nobody else.
//! * [`checks::telemetry`]: told once a match and seat.
//! * [`checks::running`], [`checks::tickets`]: nobody is stuck.
//! * [`calm`]: waits until nothing is in motion, for an audit after a test.
//! * [`findings`]: what came out.
#![allow(clippy::print_stdout, reason = "the report is for people and programs to read")]
#![allow(clippy::print_stderr, reason = "what keeps the audit from its work must not be in the report")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod args;
mod audit;
mod calm;
mod checks;
mod findings;

use std::process::ExitCode;

use clap::Parser;
use muster_runtime::{Loaded, Telemetry};
use muster_server::settings::Settings;
use muster_store::{Store, StoreSettings};

use args::Args;
use findings::Report;

/// Something is not true.
const VIOLATIONS: u8 = 1;
/// It could not be found out.
const UNABLE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: the audit could not be carried out: {error:#}");
            ExitCode::from(UNABLE)
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => settings,
        Loaded::Exit(code) => return Ok(code),
    };
    let _logging = Telemetry::install("muster-audit", &settings.log, &settings.traces, &settings.loki).await?;
    let store = Store::connect(&StoreSettings {
        postgres_url: settings.postgres.url.expose().to_owned(),
        redis_url: settings.redis.url.expose().to_owned(),
        nats_url: settings.nats.url.expose().to_owned(),
        prefix: settings.namespace.prefix.clone(),
        postgres_connections: 2,
        ..StoreSettings::default()
    })
    .await?;
    let report = audit::audit(&store, &args).await?;
    store.close().await;
    print(&report, args.json)?;
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(VIOLATIONS) })
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
