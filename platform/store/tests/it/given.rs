//! What tests begin with.

use chrono::{DateTime, Utc};
use muster_core::game::{GameEvent, Mode, Outcome, OutcomeKind, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::Ticket;
use muster_core::rating::Rating;
use muster_core::wire::LoggedEvent;
use muster_store::{
    MatchLogEntry, NewMatch, NewMatchPlayer, NewTicket, Settlement, TelemetryEvent, TelemetrySource, fresh_id, now,
};

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn ticket(player: PlayerId) -> Ticket {
    Ticket { ticket_id: fresh_id(), player_id: player, rating: 1500.0, deviation: 500.0, enqueued_at: now() }
}

pub fn new_ticket(player: PlayerId) -> NewTicket {
    NewTicket { ticket: ticket(player), queue: "classic-ranked".to_owned(), idempotency_key: None }
}

pub fn new_match(players: [PlayerId; 2]) -> NewMatch {
    let player =
        |player_id, name: &str| NewMatchPlayer { player_id, display_name: name.to_owned(), rating: Rating::default() };
    NewMatch {
        match_id: fresh_id(),
        queue: "classic-ranked".to_owned(),
        mode: Mode::Classic,
        ranked: true,
        players: [player(players[0], "Ada"), player(players[1], "Bo")],
        commitment: [1; 32],
        quality: 0.75,
        created_at: now(),
    }
}

pub fn won_by(seat: Seat) -> Outcome {
    Outcome { kind: OutcomeKind::Won, winner: Some(seat), totals: [100, 40] }
}

pub fn settlement(match_id: MatchId, outcome: Outcome) -> Settlement {
    let events = vec![GameEvent::TurnBegan { seat: Seat::First }, GameEvent::Ended { outcome }];
    let events = (1..).zip(events).map(|(seq, event)| LoggedEvent { seq, at: now(), event }).collect();
    Settlement { match_id, outcome, seed: [2; 32], ended_at: now(), events }
}

/// The first entry of a match's log.
pub fn created(new: &NewMatch, events: Vec<GameEvent>) -> MatchLogEntry {
    MatchLogEntry::Created {
        match_id: new.match_id,
        queue: new.queue.clone(),
        mode: new.mode,
        ranked: new.ranked,
        players: new.players.clone().map(|player| player.player_id),
        names: new.players.clone().map(|player| player.display_name),
        ratings: new.players.clone().map(|player| player.rating),
        seed: [2; 32],
        nonces: [None; 2],
        quality: new.quality,
        created_at: new.created_at,
        events,
    }
}

pub fn decided(events: Vec<GameEvent>) -> MatchLogEntry {
    MatchLogEntry::Decided { by: None, command_id: None, events, at: now() }
}

pub fn event(kind: &str, at: DateTime<Utc>) -> TelemetryEvent {
    TelemetryEvent::new(fresh_id(), TelemetrySource::Client, kind, at, at)
}
