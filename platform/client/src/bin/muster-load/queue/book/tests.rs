use std::time::Duration;

use muster_client::core::matchmaking::{RatingWindow, shipped_queues};
use uuid::Uuid;

use super::*;
use crate::queue::wire::FoundPlayer;

fn player(number: u32) -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(number.into()))
}

fn match_id(number: u32) -> MatchId {
    MatchId::from_uuid(Uuid::from_u128(number.into()))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn book(players: u32, window: u32) -> Book {
    let mut rules = shipped_queues().remove(0);
    rules.rating_window = RatingWindow { start: Some(window), steps: Vec::new() };
    let players: Vec<PlayerId> = (0..players).map(player).collect();
    Book::new("q", Some(&rules), &players)
}

fn found(number: u32, players: &[(u32, f64)]) -> Heard {
    let players = players.iter().map(|(index, rating)| FoundPlayer { player_id: player(*index), rating: *rating });
    Heard::Found(Found {
        match_id: match_id(number),
        queue: "q".to_owned(),
        created_at: at(1),
        players: players.collect(),
    })
}

fn tell(book: &mut Book, player: u32, what: Heard) -> Follows {
    book.hear(News { player, at: Instant::now(), what: What::Heard(what) })
}

fn queue(book: &mut Book, player: u32) {
    let wish = book.wish(player);
    book.hear(News { player, at: Instant::now() - Duration::from_millis(20), what: What::Asked(wish) });
    let ticket = TicketId::from_uuid(Uuid::from_u128(wish.into()));
    tell(book, player, Heard::Acked { wish, ticket, created_at: at(0) });
}

#[test]
fn a_match_as_it_should_be() {
    let mut book = book(2, 100);
    queue(&mut book, 0);
    queue(&mut book, 1);
    assert!(!book.is_settled());
    let both = [(1, 1500.0), (0, 1600.0)];
    assert_eq!(tell(&mut book, 0, found(7, &both)), Follows::Nothing);
    assert_eq!(tell(&mut book, 1, found(7, &both)), Follows::Leave(1, match_id(7)));
    assert_eq!(tell(&mut book, 1, found(7, &both)), Follows::Nothing);
    assert!(book.is_settled());
    assert_eq!(tell(&mut book, 0, Heard::Ended(match_id(7))), Follows::Free(0));
    assert_eq!(tell(&mut book, 0, Heard::Ended(match_id(7))), Follows::Nothing);
    book.close();
    assert_eq!(book.violations(), (0, &[][..]));
    assert_eq!((book.matches(), book.acked_micros().len(), book.last_tickets().len()), (1, 2, 2));
    assert!(book.found_micros().iter().all(|micros| *micros >= 20_000));
}

#[test]
fn each_broken_rule_is_seen() {
    struct Case(&'static str, &'static [(u32, f64)], u32);
    let cases = [
        Case("not two different", &[(0, 1.0), (0, 1.0)], 1),
        Case("not of this run", &[(0, 1.0), (9, 1.0)], 1),
        Case("of others", &[(1, 1.0), (2, 1.0)], 1),
        Case("points apart", &[(0, 1.0), (1, 102.0)], 2),
    ];
    for Case(rule, players, told) in cases {
        let mut book = book(3, 100);
        for player in 0..told {
            queue(&mut book, player);
            tell(&mut book, player, found(7, players));
        }
        book.close();
        let (_, examples) = book.violations();
        assert!(examples.iter().any(|text| text.contains(rule)), "{rule}: {examples:?}");
    }
}

#[test]
fn nobody_is_in_two_matches_or_in_one_unasked() {
    let mut book = book(3, 100);
    queue(&mut book, 0);
    tell(&mut book, 0, found(7, &[(0, 1.0), (1, 1.0)]));
    queue(&mut book, 0);
    tell(&mut book, 0, found(8, &[(0, 1.0), (2, 1.0)]));
    assert!(book.violations().1[0].contains("still in"));
    tell(&mut book, 2, found(8, &[(0, 1.0), (2, 1.0)]));
    assert!(book.violations().1[1].contains("without a ticket"));
    book.close();
    assert!(book.violations().1.iter().any(|text| text.contains("of two players were told")));
}

#[test]
fn refused_and_expired_wishes_free_their_players() {
    let mut book = book(2, 100);
    let wish = book.wish(0);
    assert_eq!(tell(&mut book, 0, Heard::Refused(wish, "in_match".to_owned())), Follows::Free(0));
    queue(&mut book, 1);
    let ticket = TicketId::from_uuid(Uuid::from_u128(1));
    assert_eq!(tell(&mut book, 1, Heard::Gone(ticket, "expired".to_owned())), Follows::Free(1));
    assert!(book.is_settled());
    assert_eq!(book.refused().values().sum::<u64>(), 2);
    assert_eq!(book.found_micros().len(), 0);
}
