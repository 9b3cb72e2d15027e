//! What is not allowed.

use muster_core::game::{Action, Command, Mode, Refusal, Seat};

use crate::table::Table;

fn refused(table: &mut Table, seat: Seat, command: Command) -> Refusal {
    let before = table.state.clone();
    let refusal = table.act(Action::Command { seat, command }).unwrap_err();
    assert_eq!(table.state, before);
    refusal
}

#[test]
fn the_other_player_waits() {
    for mode in Mode::ALL {
        let mut table = Table::with_totals(mode, [30, 40]);
        for command in [Command::Roll, Command::Bank] {
            assert_eq!(refused(&mut table, Seat::Second, command), Refusal::NotYourTurn);
        }
    }
}

#[test]
fn banking_takes_a_roll() {
    for mode in Mode::ALL.into_iter().filter(|mode| mode.can_bank()) {
        let mut table = Table::with_totals(mode, [30, 40]);
        assert_eq!(refused(&mut table, Seat::First, Command::Bank), Refusal::NothingToBank);
        table.roll((3, 4));
        table.play(Command::Bank);
        assert_eq!(refused(&mut table, Seat::Second, Command::Bank), Refusal::NothingToBank);
    }
}

#[test]
fn true_grit_has_no_banking() {
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    assert_eq!(refused(&mut table, Seat::First, Command::Bank), Refusal::BankNotAllowed);
    table.roll((3, 4));
    assert_eq!(refused(&mut table, Seat::First, Command::Bank), Refusal::BankNotAllowed);
}

#[test]
fn over_is_over() {
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.play(Command::Resign);
    for seat in Seat::ALL {
        for command in [Command::Roll, Command::Bank, Command::Resign] {
            assert_eq!(refused(&mut table, seat, command), Refusal::MatchOver);
        }
    }
}

#[test]
fn codes_are_stable() {
    let all = [Refusal::NotYourTurn, Refusal::NothingToBank, Refusal::BankNotAllowed, Refusal::MatchOver];
    assert_eq!(all.map(Refusal::code), ["not_your_turn", "nothing_to_bank", "bank_not_allowed", "match_over"]);
}
