//! Banking, mode by mode.

use muster_core::game::{Command, GameEvent, Mode, OutcomeKind, Seat};

use crate::table::{Table, ended, turn_began};

fn banked(gained: u32, totals: [u32; 2]) -> GameEvent {
    GameEvent::Banked { seat: Seat::First, by_clock: false, gained, totals }
}

/// The first player has these totals, rolls 3 and 4, and banks 7.
fn bank_seven(mode: Mode, totals: [u32; 2]) -> (Table, Vec<GameEvent>) {
    let mut table = Table::with_totals(mode, totals);
    table.roll((3, 4));
    let events = table.play(Command::Bank);
    (table, events)
}

#[test]
fn a_bank_takes_effect_and_gives_the_turn_away() {
    for (mode, before, after) in [
        (Mode::Quickfire, [42, 49], [49, 49]),
        (Mode::Classic, [92, 99], [99, 99]),
        (Mode::ZeroHour, [8, 1], [1, 1]),
        (Mode::ZeroHour, [6, 1], [100, 1]),
        (Mode::LastLine, [1, 8], [1, 1]),
    ] {
        let (table, events) = bank_seven(mode, before);
        assert_eq!(events, [banked(7, after), turn_began(Seat::Second)], "{mode}");
        assert_eq!((table.state.turn, table.state.turn_score, table.state.rolls_in_turn), (Seat::Second, 0, 0));
    }
}

#[test]
fn a_bank_that_reaches_the_goal_wins() {
    for (mode, before, after) in [
        (Mode::Quickfire, [43, 49], [50, 49]),
        (Mode::Quickfire, [49, 0], [56, 0]),
        (Mode::Classic, [93, 99], [100, 99]),
        (Mode::Classic, [99, 0], [106, 0]),
        (Mode::ZeroHour, [7, 100], [0, 100]),
        (Mode::LastLine, [50, 7], [50, 0]),
        (Mode::LastLine, [50, 3], [50, 0]),
    ] {
        let (table, events) = bank_seven(mode, before);
        assert_eq!(events, [banked(7, after), ended(OutcomeKind::Won, Some(Seat::First), after)], "{mode}");
        assert_eq!(table.state.next_deadline(), None);
    }
}

#[test]
fn only_a_bank_reaches_the_goal() {
    for (mode, totals) in
        [(Mode::Quickfire, [49, 0]), (Mode::Classic, [99, 0]), (Mode::ZeroHour, [7, 100]), (Mode::LastLine, [50, 7])]
    {
        let mut table = Table::with_totals(mode, totals);
        table.roll((3, 4));
        assert!(!table.state.is_over(), "{mode}");
        assert_eq!(table.state.totals, totals);
    }
}

#[test]
fn a_penalty_moves_the_goal_of_zero_hour() {
    let mut table = Table::with_totals(Mode::ZeroHour, [100, 7]);
    table.roll((1, 1));
    assert_eq!(table.state.totals, [100, 27]);
    table.play(Command::Bank);
    table.roll((3, 4));
    table.play(Command::Bank);
    assert_eq!((table.state.totals, table.ended()), ([80, 20], None));
}
