//! `muster-retention`: the retention process and its command line.

use std::process::ExitCode;

use clap::Parser;
use muster_retention::cli;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    cli::run(cli::Args::parse()).await
}
