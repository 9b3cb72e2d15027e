//! Connections that are lost, and players who return or do not.

use chrono::TimeDelta;
use muster_core::game::{Action, Command, GameEvent, Mode, OutcomeKind, Seat};

use crate::table::{Table, ended};

const GRACE: i64 = 60_000;

fn table() -> Table {
    Table::with_totals(Mode::Classic, [30, 40])
}

#[test]
fn a_drop_tells_until_when_to_return() {
    let mut table = table();
    table.wait(1_000);
    let until = table.now + TimeDelta::milliseconds(GRACE);
    assert_eq!(table.drop(Seat::Second), [GameEvent::Dropped { seat: Seat::Second, until }]);
    assert_eq!(table.state.connected, [true, false]);
    assert_eq!(table.drop(Seat::Second), [], "it is known already");
    assert_eq!(table.come_back(Seat::First), [], "the first was never away");
    assert_eq!(table.come_back(Seat::Second), [GameEvent::Returned { seat: Seat::Second }]);
    assert_eq!((table.state.connected, table.state.drop_deadline), ([true, true], [None, None]));
}

#[test]
fn who_stays_away_forfeits() {
    for seat in Seat::ALL {
        let mut table = table();
        // So that the own clock does not end the turn of the one who is away.
        table.state.turn = seat.other();
        table.drop(seat);
        assert_eq!(table.due_in(), Some(GRACE));
        table.wait(GRACE - 1);
        assert_eq!(table.tick(), []);
        table.wait(1);
        assert_eq!(table.tick(), [ended(OutcomeKind::Forfeited, Some(seat.other()), [30, 40])]);
    }
}

#[test]
fn the_opponents_clock_is_held_and_goes_on_where_it_was() {
    let mut table = table();
    table.wait(15_000);
    table.drop(Seat::Second);
    table.wait(30_000);
    assert_eq!(table.tick(), []);
    table.come_back(Seat::Second);
    assert_eq!(table.due_in(), Some(5_000));
    table.wait(5_000);
    assert_eq!(table.tick()[0], GameEvent::Passed { seat: Seat::First });
}

#[test]
fn a_held_clock_does_not_hold_the_player() {
    let mut table = table();
    table.drop(Seat::Second);
    table.wait(30_000);
    table.roll((3, 4));
    table.wait(5_000);
    table.come_back(Seat::Second);
    assert_eq!(table.due_in(), Some(20_000), "the clock of the roll never ran");
}

#[test]
fn the_own_clock_of_who_is_away_runs() {
    let mut table = table();
    table.drop(Seat::First);
    assert_eq!(table.due_in(), Some(20_000));
    table.wait(20_000);
    assert_eq!(table.tick()[0], GameEvent::Passed { seat: Seat::First });
    assert_eq!(table.state.turn, Seat::Second);
    assert_eq!(table.due_in(), Some(GRACE - 20_000), "the second's clock is held from the start of the turn");
    table.play(Command::Roll);
}

#[test]
fn a_turn_given_to_who_is_away_runs_on_the_clock() {
    let mut table = table();
    table.drop(Seat::Second);
    table.roll((3, 4));
    table.play(Command::Bank);
    assert_eq!((table.state.turn, table.due_in()), (Seat::Second, Some(20_000)));
}

#[test]
fn a_second_drop_has_a_whole_grace_again() {
    let mut table = table();
    table.drop(Seat::Second);
    table.wait(50_000);
    table.come_back(Seat::Second);
    table.drop(Seat::Second);
    table.wait(50_000);
    assert_eq!(table.tick(), []);
    assert_eq!(table.due_in(), Some(10_000));
}

#[test]
fn coming_back_too_late_is_a_forfeit_even_before_the_tick() {
    let mut table = table();
    table.drop(Seat::Second);
    table.wait(GRACE);
    let returned = GameEvent::Returned { seat: Seat::Second };
    assert_eq!(table.come_back(Seat::Second), [returned, ended(OutcomeKind::Forfeited, Some(Seat::First), [30, 40])]);
}

/// Both away, the second 30 s after the first; the turn's clock is out of the way.
fn both_away() -> Table {
    let mut table = table();
    table.drop(Seat::First);
    table.wait(30_000);
    table.drop(Seat::Second);
    table.state.clock.deadline += TimeDelta::hours(1);
    table
}

#[test]
fn with_both_gone_the_match_is_abandoned() {
    let mut table = both_away();
    assert_eq!(table.due_in(), Some(GRACE), "the second may still return and win");
    table.wait(GRACE - 1);
    assert_eq!(table.tick(), []);
    table.wait(1);
    assert_eq!(table.tick(), [ended(OutcomeKind::Abandoned, None, [30, 40])]);
}

#[test]
fn who_returns_in_time_wins_against_who_did_not() {
    let mut table = both_away();
    table.wait(40_000);
    let returned = GameEvent::Returned { seat: Seat::Second };
    assert_eq!(table.come_back(Seat::Second), [returned, ended(OutcomeKind::Forfeited, Some(Seat::Second), [30, 40])]);
}

#[test]
fn who_returns_too_late_loses_to_who_still_could() {
    let mut table = both_away();
    table.wait(40_000);
    assert_eq!(table.come_back(Seat::First)[1..], [ended(OutcomeKind::Forfeited, Some(Seat::Second), [30, 40])]);
}

#[test]
fn both_may_return_in_time() {
    let mut table = both_away();
    table.wait(20_000);
    table.come_back(Seat::First);
    assert_eq!(table.due_in(), Some(40_000));
    table.wait(20_000);
    table.come_back(Seat::Second);
    assert_eq!(table.ended(), None);
}

#[test]
fn with_both_away_the_clock_runs() {
    let mut table = table();
    table.drop(Seat::Second);
    table.wait(10_000);
    table.drop(Seat::First);
    assert_eq!(table.due_in(), Some(20_000), "10 s were held");
    table.wait(20_000);
    assert_eq!(table.tick()[0], GameEvent::Passed { seat: Seat::First });
}

#[test]
fn the_clock_that_ran_out_first_counts_first() {
    let mut table = Table::with_totals(Mode::Classic, [95, 40]);
    table.roll((3, 4));
    table.drop(Seat::First);
    table.wait(GRACE * 2);
    assert_eq!(table.tick()[1..], [ended(OutcomeKind::Won, Some(Seat::First), [102, 40])]);
}

#[test]
fn nothing_happens_once_the_match_is_over() {
    let mut table = table();
    table.play(Command::Resign);
    table.wait(GRACE * 2);
    for action in [Action::Tick, Action::Dropped { seat: Seat::First }, Action::Returned { seat: Seat::First }] {
        assert_eq!(table.act(action), Ok(Vec::new()));
    }
    assert_eq!(table.due_in(), None);
}
