//! Beats for the matches that are owned here, and takes over those whose owner has gone silent, even when no player speaks.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::MatchId;
use muster_store::StoreError;

use super::{AdoptError, Referee};

/// Beats between two looks at the database for matches that the owners' list has lost.
const BEATS_PER_AUDIT: u64 = 10;
/// Younger matches may still be on their way to their first owner.
const SETTLING_IN: TimeDelta = TimeDelta::seconds(10);

/// Runs until the process drains.
pub(super) async fn run(referee: Referee) {
    let mut beats = tokio::time::interval(referee.0.settings.beat);
    let mut count = 0_u64;
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            _ = beats.tick() => {}
        }
        if let Err(error) = beat_and_sweep(&referee, count.is_multiple_of(BEATS_PER_AUDIT)).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the sweep for orphaned matches failed; the next beat tries again"
            );
        }
        count += 1;
    }
}

async fn beat_and_sweep(referee: &Referee, audit: bool) -> Result<(), StoreError> {
    let store = &referee.0.store;
    let now = muster_store::now();
    let owned: Vec<MatchId> = referee.owned().iter().copied().collect();
    if !owned.is_empty() {
        store.match_owners.beat(&owned, now).await?;
    }
    let silent_since = now - referee.0.settings.orphaned_after;
    let mut orphans = store.match_owners.orphans(silent_since).await?;
    if audit {
        orphans.extend(unlisted(referee, now).await?);
    }
    for match_id in orphans {
        match referee.adopt(match_id).await {
            Ok(()) | Err(AdoptError::Draining | AdoptError::Over | AdoptError::NoLog | AdoptError::CalledOff) => {}
            Err(error) => {
                tracing::error!(match_id = %match_id, error = &error as &dyn std::error::Error, "an orphaned match could not be taken over");
            }
        }
    }
    Ok(())
}

/// Unfinished matches that nobody beats for: the list in Redis can be lost, the rows in PostgreSQL are the truth.
async fn unlisted(referee: &Referee, now: DateTime<Utc>) -> Result<Vec<MatchId>, StoreError> {
    let store = &referee.0.store;
    let listed: HashSet<MatchId> = store.match_owners.orphans(now + TimeDelta::days(1)).await?.into_iter().collect();
    let unfinished = store.matches.unfinished().await?;
    Ok(unfinished.into_iter().filter(|id| !listed.contains(id) && created_at(*id) < now - SETTLING_IN).collect())
}

/// When an id was made: a UUIDv7 carries its own time, whole milliseconds.
fn created_at(id: MatchId) -> DateTime<Utc> {
    id.uuid()
        .get_timestamp()
        .and_then(|timestamp| {
            let (seconds, nanos) = timestamp.to_unix();
            DateTime::from_timestamp(seconds as i64, nanos)
        })
        .unwrap_or(DateTime::UNIX_EPOCH)
}
