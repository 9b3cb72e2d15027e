//! The end of a match: result, ratings, history and telemetry, exactly once by the match's id.
//!
//! Every step may be done again: the row is settled once in the database, events of telemetry have ids that follow from the match,
//! and only when all of it stands does the log go. A referee that dies anywhere in here leaves a log that the next one settles.

use chrono::{DateTime, Utc};
use muster_core::game::{Outcome, Seat};
use muster_core::id::{EventId, SubjectId};
use muster_core::wire::{MatchResult, Push};
use muster_store::{
    NewMatch, NewMatchPlayer, PublishError, SettleError, Settlement, Store, TelemetryEvent, TelemetrySource,
};
use serde_json::json;
use uuid::Uuid;

use super::AdoptError;
use super::actor::push_to_both;
use super::record::{Created, MatchRecord};
use super::settler::Settler;
use crate::events;

/// Settles a match that has its outcome in the log.
pub(super) async fn settle(store: &Store, settler: &Settler, record: &MatchRecord) -> Result<(), AdoptError> {
    let Some(outcome) = record.outcome() else { return Ok(()) };
    let created = &record.created;
    let ended_at = record.last_at;
    let settlement = Settlement {
        match_id: created.match_id,
        outcome: *outcome,
        seed: created.seed,
        ended_at,
        events: record.events.clone(),
    };
    let settled = match settler.settle(settlement.clone()).await {
        Ok(settled) => settled,
        Err(SettleError::UnknownMatch(_)) => {
            store.matches.create(&row(record)).await?;
            settler.settle(settlement).await.map_err(|error| match error {
                SettleError::Store(error) => AdoptError::Store(error),
                SettleError::UnknownMatch(_) => AdoptError::NoLog,
            })?
        }
        Err(SettleError::Store(error)) => return Err(error.into()),
    };
    publish(store, record, outcome, ended_at, &settled.subjects).await?;
    if !settled.already {
        let took = (ended_at - created.created_at).to_std().unwrap_or_default();
        events::match_ended(created.match_id, &created.queue, outcome, took);
    }
    let result = MatchResult { outcome: *outcome, seed: hex::encode(created.seed), ratings: settled.ratings };
    push_to_both(store, created.players, &Push::MatchEnded { match_id: created.match_id, result }).await;
    store.match_log.purge(created.match_id).await?;
    store.match_owners.remove(&[created.match_id]).await?;
    Ok(())
}

/// The row of a match, from the first entry of its log.
pub(crate) fn row(record: &MatchRecord) -> NewMatch {
    let Created { match_id, queue, mode, ranked, players, names, ratings, quality, created_at, .. } =
        record.created.clone();
    let [first, second] = names;
    NewMatch {
        match_id,
        queue,
        mode,
        ranked,
        players: [
            NewMatchPlayer { player_id: players[0], display_name: first, rating: ratings[0] },
            NewMatchPlayer { player_id: players[1], display_name: second, rating: ratings[1] },
        ],
        commitment: record.dice.commitment(),
        quality,
        created_at,
    }
}

/// Tells telemetry how the match began and ended. One pair of events per player, so that both can be asked of either.
async fn publish(
    store: &Store,
    record: &MatchRecord,
    outcome: &Outcome,
    ended_at: DateTime<Utc>,
    subjects: &[Option<SubjectId>],
) -> Result<(), AdoptError> {
    let created = &record.created;
    let mut events = Vec::with_capacity(4);
    for seat in [Seat::First, Seat::Second] {
        let subject = subjects.get(seat.index()).copied().flatten();
        let event = |kind: &str, at: DateTime<Utc>, properties: serde_json::Value| TelemetryEvent {
            subject_id: subject,
            match_id: Some(created.match_id),
            mode: Some(created.mode),
            queue: Some(created.queue.clone()),
            properties: properties.as_object().cloned().unwrap_or_default(),
            ..TelemetryEvent::new(derived_id(record, kind, seat), TelemetrySource::Server, kind, at, ended_at)
        };
        events.push(event("match.started", created.created_at, json!({ "seat": seat, "quality": created.quality })));
        events.push(event(
            "match.ended",
            ended_at,
            json!({
                "seat": seat,
                "outcome": outcome.kind,
                "won": outcome.winner == Some(seat),
                "total": record.state.totals[seat.index()],
                "events": record.version(),
                "duration_ms": (ended_at - created.created_at).num_milliseconds(),
            }),
        ));
    }
    for result in store.telemetry.publish_all(&events).await {
        match result {
            Ok(()) => {}
            Err(PublishError::Store(error)) => return Err(error.into()),
            Err(error @ PublishError::Backpressure) => return Err(AdoptError::Telemetry(error)),
        }
    }
    Ok(())
}

/// An id that follows from the match, the kind and the seat: published again, it is the same event.
fn derived_id(record: &MatchRecord, kind: &str, seat: Seat) -> EventId {
    let name = format!("{kind}/{}", seat.index());
    EventId::from_uuid(Uuid::new_v5(&record.created.match_id.uuid(), name.as_bytes()))
}
