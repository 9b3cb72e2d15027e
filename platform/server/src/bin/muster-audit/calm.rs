//! Waiting until nothing is in motion.

use std::time::Duration;

use chrono::TimeDelta;
use muster_core::id::MatchId;
use muster_store::{Store, StoreError};
use tokio::time::{Instant, sleep};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// It has to stay calm for so many looks: a ticket may become a match between two.
const LOOKS: u32 = 4;

/// Waits until no match runs, no ticket is being made into one, no telemetry waits to be written and no leaderboard to be made
/// again; false when that did not come about in time. A service that does not answer is not calm.
pub async fn wait(store: &Store, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    let mut calm = 0;
    loop {
        calm = match is_calm(store).await {
            Ok(true) => calm + 1,
            Ok(false) => 0,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot look whether it is calm");
                0
            }
        };
        if calm == LOOKS {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK).await;
    }
}

async fn is_calm(store: &Store) -> Result<bool, StoreError> {
    let ever = muster_store::now() + TimeDelta::days(365);
    // A NATS that was killed brings back parts of logs that were let go; referees clear them away.
    let logs: Vec<MatchId> = store.match_log.census().await?.into_keys().collect();
    Ok(store.matches.unfinished().await?.is_empty()
        && !store.matches.settled_of(&logs).await?.values().any(|settled| *settled)
        && store.tickets.stale_claims(ever).await?.is_empty()
        && store.match_owners.orphans(ever).await?.is_empty()
        && store.leaderboards.states().await?.iter().all(|board| board.whole)
        && store.telemetry.pending().await? == 0)
}
