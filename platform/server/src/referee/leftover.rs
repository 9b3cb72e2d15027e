//! Logs of matches that were settled long ago. NATS that is killed may bring back what was purged, as much of it as its files still
//! have; and a referee that dies between the result and the facts leaves a log that nobody else looks for when Redis has lost its
//! owner.

use std::collections::HashSet;

use muster_core::id::MatchId;
use muster_store::MatchLogEntry;
use tokio::time::MissedTickBehavior;

use super::record::MatchRecord;
use super::{AdoptError, Referee};
use crate::events;

/// Beats between two looks at all logs. A log is left over when two looks in a row find its match settled.
const BEATS_PER_LOOK: u32 = 10;
/// Matches that are asked for in one statement.
const PAGE: usize = 1_000;

/// Looks for logs that are left over until the process drains.
pub(super) async fn run(referee: Referee) {
    let mut looks = tokio::time::interval(referee.0.settings.beat * BEATS_PER_LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = HashSet::new();
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            _ = looks.tick() => {}
        }
        match look(&referee, &before).await {
            Ok(settled) => before = settled,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the logs of settled matches could not be cleared; the next look tries again"
                );
            }
        }
    }
}

/// Clears those that were there before too. Returns the settled matches that have a log.
async fn look(referee: &Referee, before: &HashSet<MatchId>) -> Result<HashSet<MatchId>, AdoptError> {
    let store = &referee.0.store;
    let logs: Vec<MatchId> = store.match_log.census().await?.into_keys().collect();
    let mut settled = HashSet::new();
    for page in logs.chunks(PAGE) {
        let rows = store.matches.settled_of(page).await?;
        settled.extend(rows.into_iter().filter(|(_, settled)| *settled).map(|(match_id, _)| match_id));
    }
    let owned: HashSet<MatchId> = referee.0.owned.ids().into_iter().collect();
    for match_id in settled.intersection(before).filter(|match_id| !owned.contains(match_id)) {
        clear(referee, *match_id).await?;
    }
    Ok(settled)
}

/// Settles the match again when its log is all there, which changes nothing that stands and adds what is missing; then the log goes.
async fn clear(referee: &Referee, match_id: MatchId) -> Result<(), AdoptError> {
    let log = referee.0.store.match_log.read(match_id).await?;
    events::log_left_over(match_id, log.len());
    match whole(&log) {
        Some(record) => referee.0.settler.settle(&record).await,
        None => Ok(referee.0.store.match_log.purge(match_id).await?),
    }
}

/// The match, with all its events, when its log has both its beginning and its end.
fn whole(log: &[(u64, MatchLogEntry)]) -> Option<MatchRecord> {
    let Some((_, MatchLogEntry::Created { .. })) = log.first() else { return None };
    let mut record = MatchRecord::replay(log.to_vec()).ok()?;
    record.outcome()?;
    record.complete(log).ok()?;
    Some(record)
}
