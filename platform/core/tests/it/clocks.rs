//! The turn's clock.

use muster_core::game::{Action, Command, GameEvent, Mode, OutcomeKind, Refusal, Seat};

use crate::table::{Table, ended, turn_began};

const CLOCK: i64 = 20_000;

#[test]
fn it_runs_20_seconds_from_the_start_of_a_turn_and_from_each_roll() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    assert_eq!(table.due_in(), Some(CLOCK));
    table.wait(19_999);
    assert_eq!(table.tick(), []);
    table.roll((3, 4));
    assert_eq!(table.due_in(), Some(CLOCK));
    table.wait(5_000);
    table.play(Command::Bank);
    assert_eq!(table.due_in(), Some(CLOCK));
}

#[test]
fn an_empty_turn_passes() {
    let mut table = Table::with_totals(Mode::Classic, [30, 40]);
    table.wait(CLOCK);
    assert_eq!(table.tick(), [GameEvent::Passed { seat: Seat::First }, turn_began(Seat::Second)]);
    assert_eq!((table.state.totals, table.due_in()), ([30, 40], Some(CLOCK)));
    assert_eq!(table.tick(), []);
}

#[test]
fn a_turn_with_a_score_is_banked() {
    for (mode, before, after) in [
        (Mode::Quickfire, [30, 40], [37, 40]),
        (Mode::Classic, [30, 40], [37, 40]),
        (Mode::ZeroHour, [30, 40], [23, 40]),
        (Mode::ZeroHour, [5, 40], [100, 40]),
        (Mode::LastLine, [30, 40], [30, 33]),
        // Nobody banks in true-grit: the turn ends, and what it gathered is kept as at its other end.
        (Mode::TrueGrit, [30, 40], [37, 40]),
    ] {
        let mut table = Table::with_totals(mode, before);
        table.roll((3, 4));
        table.wait(CLOCK);
        let banked = GameEvent::Banked { seat: Seat::First, by_clock: true, gained: 7, totals: after };
        assert_eq!(table.tick(), [banked, turn_began(Seat::Second)], "{mode}");
    }
}

#[test]
fn a_bank_by_the_clock_can_win() {
    let mut table = Table::with_totals(Mode::Classic, [95, 40]);
    table.state.idle_turns = [2, 0];
    table.roll((3, 4));
    table.wait(CLOCK);
    assert_eq!(table.tick()[1..], [ended(OutcomeKind::Won, Some(Seat::First), [102, 40])]);
}

#[test]
fn the_clock_decides_true_grit_too() {
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    table.roll((3, 4));
    table.roll((1, 4));
    table.wait(CLOCK);
    let passed = GameEvent::Passed { seat: Seat::Second };
    assert_eq!(table.tick(), [passed, ended(OutcomeKind::Won, Some(Seat::First), [7, 0])]);
}

#[test]
fn three_in_a_row_forfeit() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    for turn in 1..=3 {
        if turn == 2 {
            table.roll((3, 4));
        }
        table.wait(CLOCK);
        let events = table.tick();
        if turn == 3 {
            assert_eq!(events[1..], [ended(OutcomeKind::Forfeited, Some(Seat::Second), [7, table.state.totals[1]])]);
        } else {
            assert_eq!(events[1..], [turn_began(Seat::Second)]);
            table.roll((3, 4));
            table.play(Command::Bank);
        }
    }
}

#[test]
fn a_turn_that_the_player_ends_starts_the_count_again() {
    type End = fn(&mut Table);
    let ends: [(Mode, End); 4] = [
        (Mode::Classic, |table| {
            table.roll((3, 4));
            table.play(Command::Bank);
        }),
        (Mode::Classic, |table| {
            table.roll((1, 4));
        }),
        (Mode::Classic, |table| {
            table.roll((6, 6));
        }),
        (Mode::TrueGrit, |table| {
            table.roll((1, 4));
        }),
    ];
    for (mode, end) in ends {
        let mut table = Table::with_totals(mode, [0, 0]);
        table.state.idle_turns = [2, 1];
        end(&mut table);
        assert_eq!(table.state.idle_turns, [0, 1]);
    }
}

#[test]
fn a_roll_alone_does_not() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.state.idle_turns = [2, 0];
    table.roll((3, 4));
    table.wait(CLOCK);
    assert_eq!(table.tick()[1..], [ended(OutcomeKind::Forfeited, Some(Seat::Second), [7, 0])]);
}

#[test]
fn a_command_after_the_bell_is_refused_even_before_the_tick() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.roll((3, 4));
    table.wait(CLOCK - 1);
    let bank = Action::Command { seat: Seat::First, command: Command::Bank };
    assert!(muster_core::game::decide(&table.state, &bank, &table.dice, table.now).is_ok());
    table.wait(1);
    assert_eq!(table.act(bank), Err(Refusal::NotYourTurn));
    assert!(table.act(Action::Command { seat: Seat::First, command: Command::Resign }).is_ok());
}

#[test]
fn a_late_tick_gives_the_next_player_a_whole_clock() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.wait(CLOCK * 5);
    assert_eq!(table.tick().len(), 2);
    assert_eq!(table.due_in(), Some(CLOCK));
}

#[test]
fn time_counts_in_whole_milliseconds() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.now += chrono::TimeDelta::microseconds(1_999);
    table.roll((3, 4));
    table.now += chrono::TimeDelta::microseconds(19_999_002);
    assert_eq!(table.tick().len(), 2);
}
