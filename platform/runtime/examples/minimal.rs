//! The smallest whole process: one setting, one port, one task. The tests of the runtime start it and send it signals.

use std::process::ExitCode;

use axum::{Router, extract::State, routing::get};
use clap::Parser;
use muster_runtime::{CommonArgs, Loaded, Runtime, common, settings::*};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, garde::Validate)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    #[garde(dive)]
    log: LogSettings,
    #[garde(dive)]
    traces: TracesSettings,
    #[garde(dive)]
    loki: LokiSettings,
    #[garde(dive)]
    ops: OpsSettings,
    #[garde(dive)]
    shutdown: ShutdownSettings,
    #[garde(dive)]
    secrets: SecretsSettings,
    #[garde(dive)]
    postgres: PostgresSettings,
    #[garde(dive)]
    http: HttpSettings,
    #[garde(dive)]
    task: TaskSettings,
}

/// How the one task ends: by itself at the drain, with an error, with a panic, or never.
#[derive(Debug, Clone, Default, Serialize, Deserialize, garde::Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct TaskSettings {
    ending: Ending,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ending {
    #[default]
    Well,
    Error,
    Panic,
    Never,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let settings = match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => settings,
        Loaded::Exit(code) => return Ok(code),
    };
    let runtime = Runtime::start("muster-minimal", common!(settings)).await?;

    let router = Router::new().route("/hello/{name}", get(hello)).route("/last", get(last)).with_state(runtime.drain());
    let router = muster_runtime::http_trace(router, "muster-minimal");
    let address = runtime.serve("http", settings.http.listen, router).await?;
    tracing::info!(%address, "listening");

    runtime.spawn("worker", work(settings.task.ending, runtime.drain()));
    Ok(runtime.run_until_drained().await)
}

async fn hello() -> String {
    tracing::info!("greeting");
    muster_runtime::trace_context::current_trace_id().unwrap_or_default()
}

/// Is under way until the process drains.
async fn last(State(drain): State<CancellationToken>) -> &'static str {
    tracing::info!("waiting for the drain");
    drain.cancelled().await;
    "done"
}

async fn work(ending: Ending, drain: CancellationToken) -> anyhow::Result<()> {
    match ending {
        Ending::Well => drain.cancelled().await,
        Ending::Error => anyhow::bail!("the disk is full"),
        Ending::Panic => panic!("the disk is round"),
        Ending::Never => std::future::pending().await,
    }
    Ok(())
}
