//! Queues on their way from PostgreSQL, where they are changed, to the bucket that every process follows.
//!
//! Whoever changes a queue publishes it at once. Should that process die between its commit and the publishing, this makes up for
//! it: every process looks, so that it does not matter which of them are left.

use std::time::Duration;

use muster_runtime::Tasks;
use muster_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Publishes what is not published yet, then looks again and again until the process drains.
///
/// # Errors
/// When the first look fails.
pub async fn start(store: Store, tasks: &Tasks) -> Result<(), StoreError> {
    let published = store.queues.publish().await?;
    if published > 0 {
        tracing::info!(published, "queues published");
    }
    tasks.spawn("queue-publisher", run(store, tasks.drain()));
    Ok(())
}

async fn run(store: Store, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match store.queues.publish().await {
            Ok(0) => {}
            Ok(published) => tracing::warn!(published, "queues had been changed, but not published; now they are"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "whether all queues are published could not be seen; the next look will tell"
            ),
        }
    }
}
