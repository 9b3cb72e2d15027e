//! Matches that were played right, told right and wrong.

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_client::core::{
    game::{Action, Dice, Mode, decide, opening},
    id::{MatchId, PlayerId},
    wire::{MatchPlayer, MatchStatus},
};
use uuid::Uuid;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

pub(crate) fn view(match_id: MatchId, players: [PlayerId; 2]) -> MatchView {
    let player = |seat: Seat| MatchPlayer {
        player_id: players[seat.index()],
        display_name: "Ada".to_owned(),
        seat,
        rating: 1500.0,
    };
    MatchView {
        match_id,
        queue: "classic-casual".to_owned(),
        mode: Mode::Classic,
        state: MatchStatus::Running,
        players: Seat::ALL.map(player).into(),
        commitment: hex::encode(dice().commitment()),
        seed: None,
        created_at: at(0),
        ended_at: None,
        outcome: None,
        version: 1,
        totals: [0, 0],
        turn: None,
    }
}

fn dice() -> Dice {
    Dice::new([5; 32], [None, None])
}

pub(crate) fn numbered(first: u64, events: Vec<GameEvent>) -> Vec<LoggedEvent> {
    (first..).zip(events).map(|(seq, event)| LoggedEvent { seq, at: at(seq as i64), event }).collect()
}

pub(crate) fn beginning() -> Vec<LoggedEvent> {
    numbered(1, opening(Mode::Classic, &dice()))
}

/// A match that has begun, both told; and what its first roll does.
fn begun() -> (Table, Seat, Vec<LoggedEvent>) {
    let players = [1, 2].map(|number| PlayerId::from_uuid(Uuid::from_u128(number)));
    let mut table = Table::new(view(MatchId::from_uuid(Uuid::from_u128(7)), players), [0, 1]);
    let beginning = beginning();
    for seat in Seat::ALL {
        assert_eq!(table.hear(seat, Instant::now(), beginning.clone()), Ok(None));
    }
    let (seat, command) = table.next_move(|_| BotPolicy::hold_at(20)).unwrap();
    assert_eq!((seat, command), (dice().first_seat(), Command::Roll));
    let state = table.state.clone().unwrap();
    let rolled = decide(&state, &Action::Command { seat, command }, &dice(), at(2)).unwrap();
    (table, seat, numbered(2, rolled))
}

#[test]
fn a_move_is_told_when_both_know_of_it() {
    let (mut table, seat, rolled) = begun();
    let due = Instant::now();
    let after = |millis| due + Duration::from_millis(millis);
    table.order(3, seat, due, true);
    assert!(table.next_move(|_| BotPolicy::hold_at(20)).is_none() && table.owes());
    table.sent(3, after(1));
    assert_eq!(table.hear(seat, after(5), rolled.clone()), Ok(None));
    let told = table.hear(seat.other(), after(4), rolled.clone());
    assert_eq!(told, Ok(Some(Told { due, sent: after(1), told: after(5), counts: true })));
    assert!(!table.owes() && table.next_move(|_| BotPolicy::hold_at(20)).is_some());
    // Whoever takes a match over tells the last events again.
    assert_eq!(table.hear(seat, after(9), rolled), Ok(None));
}

#[test]
fn what_a_clock_did_is_no_move() {
    let (mut table, seat, _) = begun();
    let due = Instant::now();
    table.order(3, seat, due, true);
    table.sent(3, due);
    let passed = numbered(2, vec![GameEvent::Passed { seat }, GameEvent::TurnBegan { seat: seat.other() }]);
    assert_eq!(table.hear(Seat::First, due, passed.clone()), Ok(None));
    assert_eq!(table.hear(Seat::Second, due, passed), Ok(None));
    assert!(!table.owes());
}

#[test]
fn a_refused_move_is_made_again() {
    let (mut table, seat, _) = begun();
    table.order(3, seat, Instant::now(), true);
    table.refused(2);
    assert!(table.owes());
    table.refused(3);
    assert!(!table.owes());
}

#[test]
fn holes_and_two_versions_are_seen() {
    let (mut table, seat, rolled) = begun();
    let mut late = rolled.clone();
    late[0].seq += 1;
    assert!(table.hear(seat, Instant::now(), late).unwrap_err().contains("after 1"));
    table.hear(seat, Instant::now(), rolled.clone()).unwrap();
    let mut other = rolled;
    other[0].event = GameEvent::Passed { seat };
    assert!(table.hear(seat.other(), Instant::now(), other).unwrap_err().contains("two versions"));
}
