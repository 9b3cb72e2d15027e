//! What the hall lets pass, and what it does not.

use std::time::Duration;

use muster_client::core::{
    game::{Outcome, OutcomeKind, Seat as GameSeat},
    wire::MatchResult,
};
use uuid::Uuid;

use super::*;
use crate::play::table::tests::{beginning, view};

fn player(number: u32) -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(number.into()))
}

fn match_id(number: u128) -> MatchId {
    MatchId::from_uuid(Uuid::from_u128(number))
}

fn hall(players: u32) -> Hall {
    Hall::new(Mode::Classic, 1, (0..players).map(|number| (player(number), 10)))
}

/// Tells a player something with the number that is next.
fn tell(hall: &mut Hall, player: u32, heard: Heard) -> Follows {
    let seq = hall.seats[index(player)].seq + 1;
    tell_as(hall, player, Some(seq), heard)
}

fn tell_as(hall: &mut Hall, player: u32, seq: Option<u64>, heard: Heard) -> Follows {
    hall.hear(News { player, at: Instant::now(), what: What::Heard(Frame { seq, heard }) })
}

fn found(number: u128, players: [u32; 2]) -> Heard {
    Heard::Found(Box::new(view(match_id(number), players.map(player))))
}

fn ended(number: u128) -> Heard {
    let outcome = Outcome { kind: OutcomeKind::Resigned, winner: Some(GameSeat::First), totals: [0, 0] };
    let result = MatchResult { outcome, seed: "05".repeat(32), ratings: Vec::new() };
    Heard::Ended(match_id(number), Box::new(result))
}

/// Two players in a match that has begun.
fn playing() -> Hall {
    let mut hall = hall(3);
    for player in [0, 1] {
        hall.waits(player);
    }
    assert_eq!(tell(&mut hall, 0, found(7, [0, 1])), Follows::Nothing);
    assert_eq!(tell(&mut hall, 1, found(7, [0, 1])), Follows::Begun(match_id(7)));
    for player in [0, 1] {
        tell(&mut hall, player, Heard::Events(match_id(7), beginning()));
    }
    hall
}

#[test]
fn a_match_from_its_beginning_to_its_end() {
    let mut hall = playing();
    let due = Instant::now();
    let (mover, order) = hall.next_move(match_id(7), due, true).unwrap();
    let Order::Move { number, .. } = order else { unreachable!() };
    assert!(hall.next_move(match_id(7), due, true).is_none() && hall.owes());
    hall.hear(News { player: mover, at: due, what: What::Sent(number) });
    let at = due + Duration::from_millis(3);
    let acked = Frame { seq: None, heard: Heard::Acked(Request::Move(number)) };
    hall.hear(News { player: mover, at, what: What::Heard(acked) });
    assert_eq!(hall.took.acked, [3_000]);
    assert_eq!(tell(&mut hall, 1, ended(7)), Follows::Free(1));
    assert_eq!(tell(&mut hall, 0, ended(7)), Follows::Over(0, match_id(7)));
    assert_eq!((hall.over.len(), hall.all().count()), (1, 1));
    assert_eq!(hall.violations(), (0, &[][..]));
}

#[test]
fn each_broken_rule_is_seen() {
    type Break = fn(&mut Hall);
    let cases: [(&str, Break); 9] = [
        ("after 12", |hall| {
            tell_as(hall, 0, Some(14), Heard::Other);
        }),
        ("after 12", |hall| {
            tell_as(hall, 0, Some(12), Heard::Other);
        }),
        ("without a ticket", |hall| {
            tell(hall, 2, found(8, [2, 0]));
        }),
        ("still in", |hall| {
            hall.waits(0);
            tell(hall, 0, found(8, [0, 2]));
        }),
        ("not between two", |hall| {
            tell(hall, 2, found(8, [2, 2]));
        }),
        ("which is of others", |hall| {
            tell(hall, 2, found(8, [0, 1]));
        }),
        ("in which it is not", |hall| {
            tell(hall, 2, Heard::Events(match_id(7), beginning()));
        }),
        ("told twice", |hall| {
            tell(hall, 0, ended(7));
            tell(hall, 0, ended(7));
        }),
        ("not told to both", |hall| {
            hall.next_move(match_id(7), Instant::now(), true);
            hall.close();
        }),
    ];
    for (rule, broken) in cases {
        let mut hall = playing();
        broken(&mut hall);
        let (count, examples) = hall.violations();
        assert!(count > 0 && examples.iter().any(|text| text.contains(rule)), "{rule}: {examples:?}");
    }
}

#[test]
fn the_players_of_a_match_are_told_the_same() {
    let mut hall = hall(2);
    hall.waits(0);
    hall.waits(1);
    tell(&mut hall, 0, found(7, [0, 1]));
    tell(&mut hall, 1, found(7, [1, 0]));
    assert!(hall.violations().1[0].contains("different things"), "{:?}", hall.violations());
}

#[test]
fn who_is_refused_asks_again_and_a_refused_move_is_not_owed() {
    let mut hall = playing();
    hall.waits(2);
    let refused = Heard::Refused(Request::Ticket, "in_match".to_owned());
    assert_eq!(tell_as(&mut hall, 2, None, refused), Follows::AskLater(2));
    let (mover, order) = hall.next_move(match_id(7), Instant::now(), true).unwrap();
    let Order::Move { number, .. } = order else { unreachable!() };
    tell_as(&mut hall, mover, None, Heard::Refused(Request::Move(number), "match_unavailable".to_owned()));
    assert!(!hall.owes());
    assert_eq!(hall.refused.values().sum::<u64>(), 2);
}
