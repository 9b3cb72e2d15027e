//! A match whose log is gone although it was never settled: NATS has lost data, or kept it for a shorter time than it was told to.
//! Nobody can go on with it, and its players must not be in it for ever: it ends as abandoned, which moves no rating. Its seed went
//! with the log, so its dice can no longer be checked; zeros stand in its place.

use chrono::TimeDelta;
use muster_core::game::{Outcome, OutcomeKind};
use muster_core::id::MatchId;
use muster_core::wire::{MatchResult, Push};
use muster_store::{AppendError, MatchLogEntry, SettleError, Settlement, Store};

use super::AdoptError;
use super::tell::push_to_both;
use crate::events;

/// Younger matches are left alone: whoever makes them may still be at it.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Ends a match that has a row and no log; or whose log says only that it was called off, which is this, half done. Nothing happens
/// to a match that has no row, or was settled.
pub(super) async fn end_if_lost(store: &Store, match_id: MatchId, called_off: bool) -> Result<(), AdoptError> {
    let Some(row) = store.matches.get(match_id).await? else { return Ok(()) };
    let at = muster_store::now();
    if row.finished || at - row.created_at < LOST_AFTER {
        return Ok(());
    }
    // Closed to everybody else before it is ended: should it have been written to meanwhile, it is not lost.
    match store.match_log.append(match_id, 0, &MatchLogEntry::Settled { at }).await {
        Ok(_) => {}
        Err(AppendError::Fenced) if called_off => {}
        Err(AppendError::Fenced) => return Ok(()),
        Err(AppendError::Store(error)) => return Err(error.into()),
    }
    let outcome = Outcome { kind: OutcomeKind::Abandoned, winner: None, totals: [row.mode.start_total(); 2] };
    let seed = [0; 32];
    let settlement = Settlement { match_id, outcome, seed, ended_at: at, events: Vec::new() };
    let settled = match store.matches.settle(&settlement).await {
        Ok(settled) => settled,
        Err(SettleError::UnknownMatch(_)) => return Ok(()),
        Err(SettleError::Store(error)) => return Err(error.into()),
    };
    if !settled.already {
        events::match_lost(match_id);
        let result = MatchResult { outcome, seed: hex::encode(seed), ratings: settled.ratings };
        let players = row.players.map(|player| player.player_id);
        push_to_both(store, players, &Push::MatchEnded { match_id, result }).await;
    }
    store.match_log.purge(match_id).await?;
    Ok(())
}
