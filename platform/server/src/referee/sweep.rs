//! Takes over matches whose owner has gone silent, even when no player speaks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::MatchId;
use muster_store::StoreError;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::{AT_ONCE, AdoptError, Referee};

/// Looks for orphans within one beat.
const LOOKS_PER_BEAT: u32 = 2;
/// Beats between two looks at the database for matches that the owners' list has lost.
const BEATS_PER_AUDIT: u32 = 5;
/// Younger matches may still be on their way to their first owner.
const SETTLING_IN: TimeDelta = TimeDelta::seconds(5);

/// Adopts orphans until the process drains: some at a time, so that other referees get their share.
pub(super) async fn run(referee: Referee) {
    let mut looks = interval(referee.0.settings.beat / LOOKS_PER_BEAT);
    let mut running = JoinSet::new();
    // Whether the last look brought as many as there was room for.
    let mut more = false;
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            Some(_) = running.join_next(), if !running.is_empty() => if !more { continue },
            _ = looks.tick() => {}
        }
        let room = AT_ONCE - running.len();
        match take(&referee, room).await {
            Ok(orphans) => {
                more = orphans.len() == room;
                for match_id in orphans {
                    running.spawn(adopt(referee.clone(), match_id));
                }
            }
            Err(error) => {
                more = false;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the sweep for orphaned matches failed; the next look tries again"
                );
            }
        }
    }
}

async fn take(referee: &Referee, room: usize) -> Result<Vec<MatchId>, StoreError> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let now = muster_store::now();
    let orphaned_after = referee.0.settings.orphaned_after;
    // One that is not willing leaves the others the time to look a few times.
    let silent_for = if referee.is_willing() { orphaned_after } else { orphaned_after * 3 / 2 };
    referee.0.store.match_owners.take_orphans(now - silent_for, now, room).await
}

async fn adopt(referee: Referee, match_id: MatchId) {
    match referee.adopt(match_id).await {
        Ok(()) | Err(AdoptError::Draining | AdoptError::NoLog | AdoptError::CalledOff) => {}
        // It counts as silent again before long.
        Err(error) => {
            tracing::error!(match_id = %match_id, error = &error as &dyn std::error::Error, "an orphaned match could not be taken over");
        }
    }
}

/// Puts unfinished matches on the owners' list until the process drains: the list in Redis can be lost, the rows in PostgreSQL are
/// the truth. Apart from the sweep, which must not wait for PostgreSQL.
pub(super) async fn enlist(referee: Referee) {
    let mut looks = interval(referee.0.settings.beat * BEATS_PER_AUDIT);
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            _ = looks.tick() => {}
        }
        if let Err(error) = enlist_once(&referee).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "unfinished matches could not be compared with the owners' list; the next look tries again"
            );
        }
    }
}

async fn enlist_once(referee: &Referee) -> Result<(), StoreError> {
    let store = &referee.0.store;
    let begun_before = muster_store::now() - SETTLING_IN;
    let mut unfinished = store.matches.unfinished().await?;
    unfinished.retain(|id| created_at(*id) < begun_before);
    store.match_owners.enlist(&unfinished).await
}

/// Looks that are not made up for.
pub(super) fn interval(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
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
