//! `muster-operator`: the operator's process and its command line.

use std::process::ExitCode;

use clap::Parser;
use muster_operator::cli;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    cli::run(cli::Args::parse()).await
}
