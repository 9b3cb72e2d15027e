//! `muster-bots`: players that sign in, queue and play until told to stop.
//!
//! For load and for demonstrations. Accounts follow from `--seed`, so the same bots come back with their ratings; two runs at
//! once need different seeds, since a player has one connection. Ctrl-C lets running matches end, a second one does not.

mod args;
mod check;
mod crew;
mod tally;

use std::{
    fs,
    io::{IsTerminal, stdout},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use args::Args;
use clap::Parser;
use muster_client::Client;
use tally::Tally;
use tokio::{signal::ctrl_c, sync::watch, task::JoinSet, time::Instant};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Arc::new(Args::parse());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(stdout().is_terminal()).init();

    let client = Client::new(&args.url).with_context(|| format!("--url {}", args.url))?;
    let (stop, stopped) = watch::channel(false);
    let tally = Arc::new(Tally::new(args.matches, stop.clone()));
    let began = Instant::now();
    tracing::info!(url = %args.url, count = args.count, seed = args.seed, queues = %args.queues.join(","), "bots start");

    let mut crew = JoinSet::new();
    for index in 0..args.count {
        crew.spawn(crew::live(index, Arc::clone(&args), client.clone(), Arc::clone(&tally), stopped.clone()));
    }
    let hurried = tokio::select! {
        () = all_gone(&mut crew) => false,
        () = interrupted_twice(&stop) => true,
    };
    if hurried {
        tracing::warn!("not waiting for running matches");
        crew.shutdown().await;
    }
    let summary = tally.summary();
    tracing::info!(
        matches = summary.matches,
        checked = summary.checked,
        differences = summary.differences.len(),
        seconds = began.elapsed().as_secs(),
        "bots stop"
    );
    if let Some(file) = &args.summary {
        let text = serde_json::to_string_pretty(&summary).context("the summary is JSON")?;
        fs::write(file, text).with_context(|| format!("--summary {}", file.display()))?;
    }
    Ok(if summary.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn all_gone(crew: &mut JoinSet<()>) {
    while let Some(ended) = crew.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a bot failed");
        }
    }
}

/// The first interrupt asks everybody to stop; the second ends the wait.
async fn interrupted_twice(stop: &watch::Sender<bool>) {
    interrupt().await;
    tracing::info!("stopping: waiting bots leave the queue, running matches end (Ctrl-C again: at once)");
    stop.send_replace(true);
    interrupt().await;
}

/// Ctrl-C, or what a process supervisor sends instead.
async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if ctrl_c().await.is_err() {
        // Without a way to hear of interrupts the bots run until `--matches` or the end of the process.
        std::future::pending::<()>().await;
    }
}
