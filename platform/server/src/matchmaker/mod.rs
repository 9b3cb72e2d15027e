//! The matchmaker role: leads queues and makes matches.
//!
//! A queue is led by whoever holds its lease. The leader keeps the pool in memory, follows the tickets in Redis tick by tick, and
//! proposes; a proposal becomes a match only when one script has claimed all of its tickets. So two leaders at once, for the moment
//! in which a lease changes hands, still cannot match a player twice.

mod claims;
mod make;
mod shard;

use std::collections::HashSet;
use std::time::Duration;

use muster_runtime::Tasks;
use muster_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::settings::MatchmakerSettings;
use crate::telemetry::TelemetryQueue;

/// What every shard needs.
#[derive(Clone)]
struct Matchmaker {
    store: Store,
    settings: MatchmakerSettings,
    telemetry: TelemetryQueue,
    /// Names this process in leases.
    holder: String,
    drain: CancellationToken,
}

/// Starts a shard per queue, the recovery of stale claims, and the live counts.
pub fn start(store: Store, settings: MatchmakerSettings, telemetry: TelemetryQueue, tasks: &Tasks) {
    let holder = hex::encode(rand::random::<[u8; 8]>());
    let matchmaker = Matchmaker { store, settings, telemetry, holder, drain: tasks.drain() };
    tasks.spawn("matchmaker-shards", follow_queues(matchmaker.clone(), tasks.clone()));
    tasks.spawn("matchmaker-claims", claims::recover(matchmaker.clone()));
    tasks.spawn("matchmaker-counts", export_counts(matchmaker));
}

/// Runs one shard task for each queue there is; a queue that staff add gets its own within a second.
async fn follow_queues(matchmaker: Matchmaker, tasks: Tasks) {
    let mut running = HashSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match matchmaker.store.queues.list().await {
            Ok(queues) => {
                for queue in queues {
                    if running.insert(queue.name.clone()) {
                        tasks.spawn(format!("matchmaker-{}", queue.name), shard::run(matchmaker.clone(), queue.name));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the queues could not be read; trying again");
            }
        }
    }
}

/// Shows the live counts as gauges.
async fn export_counts(matchmaker: Matchmaker) {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = count(&matchmaker.store).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the live counts could not be read");
        }
    }
}

async fn count(store: &Store) -> Result<(), StoreError> {
    events::live_counts(&store.live.snapshot(muster_store::now()).await?);
    for queue in store.queues.list().await? {
        events::tickets_waiting(&queue.name, store.tickets.waiting_count_of(&queue.name).await?);
    }
    Ok(())
}
