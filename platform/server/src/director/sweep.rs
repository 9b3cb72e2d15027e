//! What nobody reports: servers that fell silent, matches that were never started or never end.

use std::time::Duration;

use muster_store::{Limits, Store, StoreError};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::settings::DirectorSettings;

/// Between two sweeps. A server is told lost within its lease and this.
const SWEEP: Duration = Duration::from_millis(500);
/// How often servers that were over long ago are forgotten, and how long ago that is.
const TIDY: Duration = Duration::from_secs(10 * 60);
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// Sweeps until the process drains. Any number of processes may.
pub(super) async fn run(store: Store, settings: DirectorSettings, drain: CancellationToken) {
    let mut sweeps = interval(SWEEP);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tidies = interval(TIDY);
    tidies.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Since when this process could have seen every heartbeat. A server is not lost because the platform was away.
    let mut watching: Option<Instant> = None;
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            _ = tidies.tick() => {
                if let Err(error) = store.servers.forget(muster_store::now() - KEPT).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old servers could not be forgotten");
                }
                continue;
            }
            _ = sweeps.tick() => {}
        }
        let began = Instant::now();
        // A process that stood still is as one that was away.
        let since = *watching.get_or_insert(began);
        match sweep(&store, &settings, since.elapsed() >= settings.lease).await {
            Ok(()) if began.elapsed() < settings.lease => {}
            Ok(()) => watching = None,
            Err(error) => {
                watching = None;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "servers could not be looked through; every one has a whole lease from when that works again"
                );
            }
        }
    }
}

async fn sweep(store: &Store, settings: &DirectorSettings, watched: bool) -> Result<(), StoreError> {
    let servers = &store.servers;
    let now = muster_store::now();
    if watched {
        let swept = servers.sweep_lost(now).await?;
        if !swept.lost.is_empty() {
            events::servers_lost(&swept.lost, swept.orphaned.len());
        }
    }
    let limits = Limits { start: settings.start_timeout, run: settings.match_limit };
    for (match_id, reason) in servers.sweep_overdue(limits, now).await?.overdue {
        tracing::warn!(match_id = %match_id, reason = reason.as_str(), "a match on a server ran out of time");
    }
    events::servers_counted(&servers.counts(now).await?);
    Ok(())
}
