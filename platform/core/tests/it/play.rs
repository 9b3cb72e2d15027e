//! How a match begins, and how turns go round.

use muster_core::game::{Command, GameEvent, Mode, OutcomeKind, RollEffect, Seat};

use crate::table::{Table, ended, start, turn_began};

#[test]
fn the_first_event_tells_who_begins_and_commits_to_the_seed() {
    for mode in Mode::ALL {
        for seed in 0..20 {
            let table = Table::new(mode, seed);
            let first = table.dice.first_seat();
            let commitment = hex::encode(table.dice.commitment());
            let totals = [mode.start_total(); 2];
            let started = GameEvent::Started { mode, first, commitment, totals, nonces: Vec::new() };
            assert_eq!(table.log, [(start(), started)]);
            assert_eq!((table.state.turn, table.state.totals, table.state.version), (first, totals, 1));
        }
    }
}

#[test]
fn a_roll_tells_all_it_did() {
    let mut table = Table::with_totals(Mode::ZeroHour, [100, 100]);
    table.roll((3, 4));
    let events = table.roll((5, 5));
    assert_eq!(
        events,
        [GameEvent::Rolled {
            seat: Seat::First,
            roll_no: table.state.rolls,
            dice: [5, 5],
            effect: RollEffect::Doubled,
            gained: 10,
            lost: 0,
            penalty: 10,
            turn_score: 17,
            multiplier: 2,
            totals: [100, 110],
        }]
    );
    assert_eq!((table.state.turn_score, table.state.multiplier, table.state.rolls_in_turn), (17, 2, 2));
    assert_eq!(table.state.totals, [100, 110]);
}

#[test]
fn rolls_are_numbered_from_1_without_gaps() {
    let mut table = Table::new(Mode::TrueGrit, 3);
    let mut expected = 1;
    while !table.state.is_over() {
        let events = table.play(Command::Roll);
        assert!(matches!(events[0], GameEvent::Rolled { roll_no, .. } if roll_no == expected), "{:?}", events[0]);
        expected += 1;
    }
}

#[test]
fn a_bust_loses_the_turn_and_nothing_else() {
    let mut table = Table::with_totals(Mode::Classic, [30, 40]);
    table.roll((3, 4));
    table.roll((2, 2));
    let events = table.roll((1, 5));
    assert!(matches!(
        events[0],
        GameEvent::Rolled { effect: RollEffect::Bust, lost: 11, turn_score: 0, totals: [30, 40], .. }
    ));
    assert_eq!(events[1..], [turn_began(Seat::Second)]);
    assert_eq!((table.state.turn, table.state.turn_score, table.state.multiplier), (Seat::Second, 0, 1));
}

#[test]
fn boxcars_in_classic_lose_the_total_and_the_turn() {
    let mut table = Table::with_totals(Mode::Classic, [90, 40]);
    table.roll((4, 4));
    let events = table.roll((6, 6));
    assert!(matches!(events[0], GameEvent::Rolled { effect: RollEffect::Boxcars, lost: 8, totals: [0, 40], .. }));
    assert_eq!(events[1..], [turn_began(Seat::Second)]);
}

#[test]
fn the_multiplier_is_of_the_turn() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.roll((4, 4));
    table.roll((5, 5));
    table.roll((2, 3));
    assert_eq!((table.state.turn_score, table.state.multiplier), (8 + 20 + 10, 2));
    table.play(Command::Bank);
    table.roll((2, 3));
    assert_eq!((table.state.turn_score, table.state.multiplier), (5, 1));
}

#[test]
fn true_grit_multipliers_replace_each_other() {
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    table.roll((5, 5));
    table.roll((2, 2));
    table.roll((1, 1));
    table.roll((2, 3));
    assert_eq!((table.state.turn_score, table.state.multiplier), (10 + 20 + 4 + 35, 7));
}

#[test]
fn resigning_is_legal_in_and_out_of_turn() {
    for seat in Seat::ALL {
        let mut table = Table::with_totals(Mode::LastLine, [20, 50]);
        let events = table.act(muster_core::game::Action::Command { seat, command: Command::Resign }).unwrap();
        assert_eq!(events, [ended(OutcomeKind::Resigned, Some(seat.other()), [20, 50])]);
    }
}
