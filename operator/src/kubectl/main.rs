//! `kubectl-muster`: found on the PATH by kubectl, it is `kubectl muster`.

use std::process::ExitCode;

use clap::Parser;
use muster_operator::kubectl;

#[tokio::main]
async fn main() -> ExitCode {
    kubectl::run(kubectl::Args::parse()).await
}
