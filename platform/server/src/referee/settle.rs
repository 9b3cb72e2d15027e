//! What follows from the end of a match: result, row, and what players and telemetry are told.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::game::Seat;
use muster_core::id::{EventId, PlayerId, SubjectId};
use muster_core::telemetry::kind;
use muster_core::wire::{MatchResult, Push};
use muster_store::{GameClient, NewMatch, NewMatchPlayer, Settled, Settlement, TelemetryEvent, TelemetrySource};
use serde_json::json;
use uuid::Uuid;

use super::record::{Created, MatchRecord};

/// What the database has to keep of a match that has its outcome in the log; none while it runs.
pub(super) fn settlement(record: &MatchRecord) -> Option<Settlement> {
    Some(Settlement {
        match_id: record.created.match_id,
        outcome: *record.outcome()?,
        seed: record.created.seed,
        ended_at: record.last_at,
        events: record.events.clone(),
    })
}

/// What its players are told.
pub(super) fn result(record: &MatchRecord, settlement: &Settlement, settled: &Settled) -> Push {
    let Created { match_id, seed, .. } = &record.created;
    let result = MatchResult { outcome: settlement.outcome, seed: hex::encode(seed), ratings: settled.ratings.clone() };
    Push::MatchEnded { match_id: *match_id, result }
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

/// How many facts there are of a match.
pub(super) const FACTS: usize = 4;

/// What telemetry is told: how the match began and ended. A pair of events per player, so that both can be asked of either.
pub(super) fn facts(
    record: &MatchRecord,
    settlement: &Settlement,
    subjects: &[Option<SubjectId>],
    clients: &HashMap<PlayerId, GameClient>,
) -> [TelemetryEvent; FACTS] {
    let created = &record.created;
    let client = |seat: Seat| clients.get(&created.players[seat.index()]);
    let common = GameClient::common(created.players.iter().filter_map(|player| clients.get(player)));
    let Settlement { outcome, ended_at, .. } = settlement;
    let event = |seat: Seat, kind: &str, at: DateTime<Utc>, properties: serde_json::Value| TelemetryEvent {
        subject_id: subjects.get(seat.index()).copied().flatten(),
        match_id: Some(created.match_id),
        mode: Some(created.mode),
        queue: Some(created.queue.clone()),
        region: created.region.clone(),
        platform: client(seat).and_then(|client| client.platform.clone()),
        build: client(seat).and_then(|client| client.build.clone()),
        properties: properties.as_object().cloned().unwrap_or_default(),
        ..TelemetryEvent::new(derived_id(record, kind, seat), TelemetrySource::Server, kind, at, *ended_at)
    };
    let started = |seat| {
        event(seat, kind::MATCH_STARTED, created.created_at, json!({ "seat": seat, "quality": created.quality }))
    };
    let ended = |seat: Seat| {
        let properties = json!({
            "seat": seat,
            "outcome": outcome.kind,
            "won": outcome.winner == Some(seat),
            "total": record.state.totals[seat.index()],
            "events": record.version(),
            "duration_ms": (*ended_at - created.created_at).num_milliseconds(),
            "match_platform": common.platform,
            "match_build": common.build,
        });
        event(seat, kind::MATCH_ENDED, *ended_at, properties)
    };
    [started(Seat::First), ended(Seat::First), started(Seat::Second), ended(Seat::Second)]
}

/// An id that follows from the match, the kind and the seat: published again, it is the same event.
fn derived_id(record: &MatchRecord, kind: &str, seat: Seat) -> EventId {
    let name = format!("{kind}/{}", seat.index());
    EventId::from_uuid(Uuid::new_v5(&record.created.match_id.uuid(), name.as_bytes()))
}
