//! The process: settings in, a served API out, until the drain.

use std::process::ExitCode;

use anyhow::Context;
use muster_runtime::{Condition, Runtime, common};
use muster_store::Store;

use crate::{api::StaffApi, settings::Settings};

/// Runs the process until it is told to end.
///
/// # Errors
/// A dependency is not there at the start, or an address is taken.
pub async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start("muster-graphql", common!(settings)).await?;

    let store = Store::connect(&settings.store()).await.context("could not connect to the stores")?;
    runtime.health().register_group(&["postgres", "redis", "nats"], {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move { conditions(&store).await }
        }
    });

    let api = StaffApi::new(store.clone(), &settings.auth).context("could not prepare sign-in")?;
    let router = muster_runtime::http_trace(api.router(runtime.drain()), "muster-graphql");
    let address = runtime.serve("http", settings.http.listen, router).await?;
    tracing::info!(%address, "listening for staff");
    runtime.spawn("staff-api", api.run(runtime.drain()));

    let code = runtime.run_until_drained().await;
    store.close().await;
    Ok(code)
}

async fn conditions(store: &Store) -> Vec<(String, Condition)> {
    let condition = |result: Result<(), String>| match result {
        Ok(()) => Condition::Healthy,
        Err(detail) => Condition::Down(detail),
    };
    let checked = store.check().await;
    checked.into_iter().map(|dependency| (dependency.name.to_owned(), condition(dependency.result))).collect()
}
