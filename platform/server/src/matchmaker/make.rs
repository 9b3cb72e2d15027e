//! From claimed tickets to a running match.
//!
//! The first entry of the log is where a match begins: before it, the tickets can be given back; after it, the match is played. What
//! follows (the row, the tickets' end, telling the players, finding a referee) can be done again by whoever finds it undone.

use std::time::Duration;

use muster_core::game::{Dice, opening};
use muster_core::id::MatchId;
use muster_core::matchmaking::{Proposal, QueueDefinition};
use muster_core::rating::Rating;
use muster_core::wire::Push;
use muster_store::{AppendError, ClaimedTicket, MatchLogEntry, StoreError, TelemetryEvent, TelemetrySource};
use serde_json::json;

use super::Matchmaker;
use crate::events;
use crate::referee::{MatchRecord, push_to_both, row};

/// Longest wait for a referee to take the match; a sweep finds it later otherwise.
const ADOPTION: Duration = Duration::from_secs(2);

/// Makes the match, or gives the tickets back to the head of their queue.
pub(super) async fn make(
    matchmaker: Matchmaker,
    queue: QueueDefinition,
    claimed: Vec<ClaimedTicket>,
    proposal: Proposal,
) {
    let Some(match_id) = claimed.first().map(ClaimedTicket::match_id) else { return };
    match begin(&matchmaker, &queue, match_id, &proposal).await {
        Ok(record) => {
            if let Err(error) = complete(&matchmaker, &record, &claimed).await {
                tracing::warn!(match_id = %match_id, error = &error as &dyn std::error::Error, "a match has begun and is completed by recovery");
            }
            let longest = proposal.tickets.iter().map(|ticket| record.created.created_at - ticket.enqueued_at).max();
            let longest = longest.and_then(|wait| wait.to_std().ok()).unwrap_or_default();
            events::match_started(match_id, &queue, proposal.quality, longest);
        }
        Err(Begin::NotBegun(reason)) => release(&matchmaker, &queue.name, &claimed, &reason).await,
        // Perhaps it is in the log, perhaps not: recovery of stale claims looks.
        Err(Begin::Unsure(error)) => {
            tracing::warn!(match_id = %match_id, error = &error as &dyn std::error::Error, "the beginning of a match got no answer");
        }
    }
}

enum Begin {
    NotBegun(String),
    Unsure(StoreError),
}

/// Draws the seed and writes the first entry.
async fn begin(
    matchmaker: &Matchmaker,
    queue: &QueueDefinition,
    match_id: MatchId,
    proposal: &Proposal,
) -> Result<MatchRecord, Begin> {
    let store = &matchmaker.store;
    let [first, second] = proposal.tickets.as_slice() else {
        return Err(Begin::NotBegun(format!("a match of {} tickets", proposal.tickets.len())));
    };
    let players = [first.player_id, second.player_id];
    let accounts = store.accounts.get_many(&players).await.map_err(|error| Begin::NotBegun(error.to_string()))?;
    let name = |index: usize| {
        accounts
            .iter()
            .find(|account| account.player_id == players[index])
            .map(|account| account.display_name.clone())
            .ok_or_else(|| Begin::NotBegun("a player's account is gone".to_owned()))
    };
    let seed = muster_store::fresh_secret();
    let nonces = [None, None];
    let dice = Dice::new(seed, nonces);
    let created_at = muster_store::now();
    let entry = MatchLogEntry::Created {
        match_id,
        queue: queue.name.clone(),
        mode: queue.mode,
        ranked: queue.ranked,
        players,
        names: [name(0)?, name(1)?],
        ratings: [first, second].map(|ticket| Rating { points: ticket.rating, deviation: ticket.deviation }),
        seed,
        nonces,
        quality: proposal.quality,
        created_at,
        events: opening(queue.mode, &dice),
    };
    match store.match_log.append(match_id, 0, &entry).await {
        Ok(seq) => MatchRecord::replay(vec![(seq, entry)]).map_err(|error| Begin::NotBegun(error.to_string())),
        Err(AppendError::Fenced) => Err(Begin::NotBegun("it was called off while it was being made".to_owned())),
        Err(AppendError::Store(error)) => Err(Begin::Unsure(error)),
    }
}

/// Everything after the first entry.
pub(super) async fn complete(
    matchmaker: &Matchmaker,
    record: &MatchRecord,
    claimed: &[ClaimedTicket],
) -> Result<(), StoreError> {
    let store = &matchmaker.store;
    let created = &record.created;
    store.matches.create(&row(record)).await?;
    let tickets = store.tickets.settle(claimed, created.created_at).await?;

    push_to_both(store, created.players, &Push::MatchFound { r#match: record.view() }).await;
    push_to_both(
        store,
        created.players,
        &Push::MatchEvents { match_id: created.match_id, events: record.events.clone() },
    )
    .await;
    if let Err(error) = store.match_calls.adopt(created.match_id, ADOPTION).await {
        tracing::warn!(match_id = %created.match_id, error = &error as &dyn std::error::Error, "no referee took the match yet; the sweep will find one");
    }
    for ticket in tickets {
        let waited = created.created_at - ticket.ticket.enqueued_at;
        let now = muster_store::now();
        matchmaker.telemetry.offer(TelemetryEvent {
            match_id: Some(created.match_id),
            mode: Some(created.mode),
            queue: Some(created.queue.clone()),
            properties: json!({ "wait_ms": waited.num_milliseconds(), "quality": created.quality })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..TelemetryEvent::new(
                muster_store::fresh_id(),
                TelemetrySource::Server,
                "ticket.matched",
                created.created_at,
                now,
            )
        });
    }
    Ok(())
}

/// Puts everybody back, with the waiting time they had.
pub(super) async fn release(matchmaker: &Matchmaker, queue: &str, claimed: &[ClaimedTicket], reason: &str) {
    match matchmaker.store.tickets.release(claimed).await {
        Ok(_) => events::claim_released(queue, claimed.len(), reason),
        Err(error) => {
            tracing::warn!(
                queue,
                error = &error as &dyn std::error::Error,
                "claimed tickets could not be given back; recovery tries again"
            );
        }
    }
}
