//! What tests begin with.

use chrono::{DateTime, Utc};
use muster_core::game::{GameEvent, Mode, Outcome, OutcomeKind, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::{Backfill, BackfillPlayer, BackfillTeam, Member, Ticket};
use muster_core::rating::Rating;
use muster_core::wire::LoggedEvent;
use muster_store::{
    Claim, ClaimRequest, ClaimedTicket, Creation, MatchLogEntry, NewMatch, NewMatchPlayer, NewTicket, Settlement,
    Shard, Store, TelemetryEvent, TelemetrySource, fresh_id, now,
};
use muster_testkit::Scratch;

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub const QUEUE: &str = "classic-ranked";

pub fn shard() -> Shard {
    Shard::new(QUEUE, "all")
}

pub fn ticket(player: PlayerId) -> Ticket {
    Ticket::solo(fresh_id(), player, Rating::default(), now())
}

pub fn new_ticket(player: PlayerId) -> NewTicket {
    new_party(&[player])
}

pub fn new_party(players: &[PlayerId]) -> NewTicket {
    let members = players.iter().map(|player| Member::new(*player, Rating::default())).collect();
    NewTicket {
        ticket: Ticket { members, ..ticket(players[0]) },
        shard: shard(),
        names: (1..=players.len()).map(|n| format!("Player {n}")).collect(),
        idempotency: None,
    }
}

/// A ticket of one player, or of several, that waits.
pub async fn waiting(store: &Store, players: usize) -> NewTicket {
    let players: Vec<PlayerId> = (0..players).map(|_| fresh_id()).collect();
    let new = new_party(&players);
    assert!(matches!(create(store, &new).await, Creation::Created(_)));
    new
}

pub async fn create(store: &Store, new: &NewTicket) -> Creation {
    let mut creations = store.tickets.create_many(std::slice::from_ref(new)).await.unwrap();
    assert_eq!(creations.len(), 1);
    creations.remove(0)
}

pub fn claim_of(tickets: &[&NewTicket]) -> ClaimRequest {
    let tickets = tickets.iter().map(|new| new.ticket.ticket_id).collect();
    ClaimRequest { match_id: fresh_id(), tickets, backfill: None }
}

pub async fn claim(store: &Store, shard: &Shard, request: &ClaimRequest, now: DateTime<Utc>) -> Claim {
    let mut claims = store.tickets.claim_many(shard, std::slice::from_ref(request), now).await.unwrap();
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

/// Tickets that are claimed for one match.
pub async fn claimed(store: &Store, tickets: &[&NewTicket]) -> Vec<ClaimedTicket> {
    match claim(store, &shard(), &claim_of(tickets), now()).await {
        Claim::Claimed(claimed) => claimed,
        Claim::Lost(lost) => panic!("lost {lost:?}"),
    }
}

pub fn backfill(match_id: MatchId) -> Backfill {
    let player = BackfillPlayer {
        blocked: vec![fresh_id()],
        recent: vec![fresh_id(), fresh_id()],
        ..BackfillPlayer::new(fresh_id(), Rating::default())
    };
    let teams = vec![BackfillTeam { players: vec![player], open: 0 }, BackfillTeam { players: Vec::new(), open: 1 }];
    Backfill {
        backfill_id: fresh_id(),
        match_id,
        requested_at: now(),
        region: None,
        teams,
        properties: Default::default(),
    }
}

/// A raw connection, for what no function of the store does.
pub async fn redis(scratch: &Scratch) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(scratch.settings.redis_url.as_str()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
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
        region: None,
        created_at: new.created_at,
        events,
    }
}

pub fn decided(events: Vec<GameEvent>) -> MatchLogEntry {
    MatchLogEntry::Decided { by: None, command_id: None, events, at: now(), snapshot: None }
}

pub fn event(kind: &str, at: DateTime<Utc>) -> TelemetryEvent {
    TelemetryEvent::new(fresh_id(), TelemetrySource::Client, kind, at, at)
}
