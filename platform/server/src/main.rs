//! `muster-server`: the process that players talk to.

mod cli;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Many small messages, made on one thread and dropped on another, are what the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    cli::Args::parse().run().await
}
