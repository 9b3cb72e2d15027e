//! The process: plans what is due and works jobs, until the drain.

use std::process::ExitCode;

use anyhow::Context;
use muster_runtime::{Condition, Runtime, common};
use muster_store::Store;

use crate::{planner::Planner, policy, settings::Settings, worker::Worker};

/// Runs the process until it is told to end.
///
/// # Errors
/// A dependency is not there at the start, or an address is taken.
pub async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start("muster-retention", common!(settings)).await?;

    let store = Store::connect(&settings.store()).await.context("could not connect to the stores")?;
    runtime.health().register_group(&["postgres", "redis", "nats"], {
        let store = store.clone();
        move || {
            let store = store.clone();
            async move { conditions(&store).await }
        }
    });
    let shipped = policy::shipped(muster_store::now());
    store.retention.seed_policies(&shipped).await.context("could not write the shipped policies")?;

    let planner = Planner::new(store.clone(), &settings.retention).context("retention.schedule is no schedule")?;
    runtime.spawn("planner", planner.run(runtime.drain()));
    for number in 0..settings.retention.workers {
        let name = format!("muster-retention/{}/{number}", std::process::id());
        let worker = Worker::new(store.clone(), name, &settings.retention);
        runtime.spawn(format!("worker-{number}"), worker.run(runtime.drain()));
    }

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
