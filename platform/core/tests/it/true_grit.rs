//! One turn each.

use muster_core::game::{Command, GameEvent, Mode, OutcomeKind, RollEffect, Seat};

use crate::table::{Table, ended, turn_began};

/// The first player's turn is over with this total: 7 or 14.
fn after_the_first_turn(rolls: usize) -> Table {
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    for _ in 0..rolls {
        table.roll((3, 4));
    }
    let events = table.roll((1, 4));
    assert_eq!(events[1..], [turn_began(Seat::Second)]);
    table
}

#[test]
fn a_lone_one_keeps_the_turn() {
    let table = after_the_first_turn(2);
    assert_eq!(table.state.totals, [14, 0]);
    let (_, event) = &table.log[table.log.len() - 2];
    assert!(matches!(
        event,
        GameEvent::Rolled { effect: RollEffect::Kept, lost: 0, turn_score: 14, totals: [14, 0], .. }
    ));
}

#[test]
fn the_second_player_wins_at_once_on_passing() {
    let mut table = after_the_first_turn(2);
    assert_eq!(table.roll((3, 4)).len(), 1);
    assert_eq!(table.roll((3, 4)).len(), 1, "a tie does not pass");
    let events = table.roll((2, 3));
    assert!(matches!(
        events[0],
        GameEvent::Rolled { effect: RollEffect::Scored, turn_score: 19, totals: [14, 19], .. }
    ));
    assert_eq!(events[1..], [ended(OutcomeKind::Won, Some(Seat::Second), [14, 19])]);
}

#[test]
fn the_first_player_never_wins_during_the_own_turn() {
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    for _ in 0..20 {
        table.roll((5, 6));
    }
    assert_eq!((table.state.turn_score, table.state.totals, table.ended()), (220, [0, 0], None));
}

#[test]
fn the_second_player_loses_on_staying_below() {
    let mut table = after_the_first_turn(2);
    table.roll((3, 4));
    let events = table.roll((4, 1));
    assert_eq!(events[1..], [ended(OutcomeKind::Won, Some(Seat::First), [14, 7])]);
}

#[test]
fn a_tie_gives_both_another_turn_in_the_same_order_until_it_breaks() {
    let mut table = after_the_first_turn(1);
    table.roll((3, 4));
    assert_eq!(table.roll((4, 1))[1..], [turn_began(Seat::First)]);
    assert_eq!(table.state.totals, [7, 7]);

    // Nothing more for either: still a tie.
    assert_eq!(table.roll((4, 1))[1..], [turn_began(Seat::Second)]);
    assert_eq!(table.roll((4, 1))[1..], [turn_began(Seat::First)]);

    table.roll((2, 3));
    assert_eq!(table.roll((4, 1))[1..], [turn_began(Seat::Second)]);
    assert_eq!(table.state.totals, [12, 7]);
    assert_eq!(table.roll((2, 3)).len(), 1);
    let events = table.play(Command::Roll);
    assert!(matches!(events[0], GameEvent::Rolled { .. }));
}

#[test]
fn a_broken_tie_ends_the_match() {
    let mut table = after_the_first_turn(0);
    table.roll((4, 1));
    table.roll((2, 3));
    table.roll((4, 1));
    let events = table.roll((4, 1));
    assert_eq!(events[1..], [ended(OutcomeKind::Won, Some(Seat::First), [5, 0])]);
}
