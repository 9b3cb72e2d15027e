//! `muster-graphql`: the staff API's process and command line.

use std::process::ExitCode;

use clap::Parser;
use muster_graphql::cli;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    cli::run(cli::Args::parse()).await
}
