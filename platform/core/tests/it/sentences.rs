//! Events as people read them, and as they are written on the wire.

use muster_core::game::{Action, Command, GameEvent, Mode, Seat};
use serde_json::json;

use crate::table::Table;

fn told(events: &[GameEvent]) -> Vec<String> {
    events.iter().map(|event| event.summary(["Ada", "Bo"])).collect()
}

#[test]
fn rolls_say_what_they_did() {
    let mut table = Table::with_totals(Mode::Classic, [30, 40]);
    assert_eq!(table.log[0].1.summary(["Ada", "Bo"]), "A match of classic begins; Ada rolls first.");
    assert_eq!(told(&table.roll((2, 3))), ["Ada rolls 2 and 3: 5 to the turn (5)."]);
    assert_eq!(told(&table.roll((3, 4))), ["Ada rolls 3 and 4: 7 to the turn (12)."]);
    assert_eq!(told(&table.roll((4, 4))), ["Ada rolls 4 and 4: 8 to the turn (20), and the next rolls count 2 times."]);
    assert_eq!(told(&table.roll((1, 1))), ["Ada rolls 1 and 1, snake eyes: 20 to the turn (40)."]);
    assert_eq!(told(&table.roll((1, 4))), ["Ada rolls 1 and 4: bust, 40 of the turn are lost.", "It is Bo's turn."]);
    assert_eq!(told(&table.roll((1, 4))), ["Bo rolls 1 and 4: bust.", "It is Ada's turn."]);
    assert_eq!(told(&table.roll((6, 6))), ["Ada rolls 6 and 6, boxcars: the whole total is lost.", "It is Bo's turn."]);
    table.roll((3, 4));
    assert_eq!(told(&table.roll((6, 6)))[0], "Bo rolls 6 and 6, boxcars: the whole total is lost, and 7 of the turn.");
}

#[test]
fn modes_add_what_is_theirs() {
    let mut table = Table::with_totals(Mode::ZeroHour, [100, 100]);
    assert_eq!(
        told(&table.roll((1, 1))),
        ["Ada rolls 1 and 1, snake eyes: 20 to the turn (20). Bo's total rises by 20 to 120."]
    );
    let mut table = Table::with_totals(Mode::TrueGrit, [0, 0]);
    assert_eq!(
        told(&table.roll((1, 1))),
        ["Ada rolls 1 and 1, snake eyes: 2 to the turn (2), and the next rolls count 7 times."]
    );
    assert_eq!(told(&table.roll((1, 5)))[0], "Ada rolls 1 and 5: the turn ends, 2 are kept (total 2).");
}

#[test]
fn the_rest_reads_plainly() {
    let mut table = Table::with_totals(Mode::Classic, [30, 95]);
    table.roll((3, 4));
    assert_eq!(told(&table.play(Command::Bank)), ["Ada banks 7 (Ada 37 to 95 Bo).", "It is Bo's turn."]);
    assert_eq!(told(&table.drop(Seat::Second)), ["Bo lost the connection."]);
    assert_eq!(told(&table.come_back(Seat::Second)), ["Bo is back."]);
    table.wait(20_000);
    assert_eq!(told(&table.tick()), ["Time is up for Bo: the turn passes.", "It is Ada's turn."]);
    table.roll((3, 4));
    table.wait(20_000);
    assert_eq!(told(&table.tick())[0], "Time is up for Ada: 7 are banked (Ada 44 to 95 Bo).");
    table.roll((3, 4));
    assert_eq!(told(&table.play(Command::Bank))[1], "Bo wins, 102 to 44.");
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    assert_eq!(told(&table.play(Command::Resign)), ["Ada resigns: Bo wins."]);
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.drop(Seat::Second);
    table.wait(60_000);
    assert_eq!(told(&table.tick()), ["Bo forfeits: Ada wins."]);
    let mut table = Table::with_totals(Mode::Classic, [0, 0]);
    table.drop(Seat::First);
    table.drop(Seat::Second);
    table.state.clock.deadline += chrono::TimeDelta::hours(1);
    table.wait(60_000);
    assert_eq!(told(&table.tick()), ["Both players are gone: the match is abandoned."]);
}

#[test]
fn events_are_written_as_the_contract_says() {
    let mut table = Table::with_totals(Mode::LastLine, [50, 50]);
    let rolled = table.roll((3, 4)).remove(0);
    let roll_no = table.state.rolls;
    let dropped = table.drop(Seat::Second).remove(0);
    let resigned = table.act(Action::Command { seat: Seat::Second, command: Command::Resign }).unwrap().remove(0);
    for (event, seat, value) in [
        (
            table.log[0].1.clone(),
            None,
            json!({"type": "started", "mode": "last-line", "first": "first", "commitment": hex::encode(table.dice.commitment()), "totals": [50, 50]}),
        ),
        (
            rolled,
            Some(Seat::First),
            json!({"type": "rolled", "seat": "first", "roll_no": roll_no, "dice": [3, 4], "effect": "scored", "gained": 7, "lost": 0,
                "penalty": 0, "turn_score": 7, "multiplier": 1, "totals": [50, 50]}),
        ),
        (
            GameEvent::Banked { seat: Seat::First, by_clock: false, gained: 7, totals: [50, 43] },
            Some(Seat::First),
            json!({"type": "banked", "seat": "first", "by_clock": false, "gained": 7, "totals": [50, 43]}),
        ),
        (
            GameEvent::TurnBegan { seat: Seat::Second },
            Some(Seat::Second),
            json!({"type": "turn_began", "seat": "second"}),
        ),
        (GameEvent::Passed { seat: Seat::Second }, Some(Seat::Second), json!({"type": "passed", "seat": "second"})),
        (
            dropped,
            Some(Seat::Second),
            json!({"type": "dropped", "seat": "second", "until": "2026-01-31T09:31:00.000Z"}),
        ),
        (GameEvent::Returned { seat: Seat::Second }, Some(Seat::Second), json!({"type": "returned", "seat": "second"})),
        (
            resigned,
            None,
            json!({"type": "ended", "outcome": {"kind": "resigned", "winner": "first", "totals": [50, 50]}}),
        ),
    ] {
        assert_eq!(serde_json::to_value(&event).unwrap(), value);
        assert_eq!(serde_json::from_value::<GameEvent>(value.clone()).unwrap(), event);
        assert_eq!((event.seat(), event.kind()), (seat, value["type"].as_str().unwrap()));
    }
}
