use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

#[test]
fn the_newest_socket_stays() {
    let roster = Roster::default();
    let player = muster_store::fresh_id();
    let first = roster.enter(player);
    roster.number(&first, 10);
    let second = roster.enter(player);
    assert!(!first.replaced.is_cancelled(), "nothing is decided before the numbers are known");
    roster.number(&second, 11);
    assert!(first.replaced.is_cancelled());
    assert!(!second.replaced.is_cancelled());
    assert_eq!(roster.players(), [(player, 11)]);
    assert_eq!(roster.leave(&first), None, "an older socket's end does not make the player leave");
    assert_eq!(roster.leave(&second), Some(11));
    assert!(roster.players().is_empty() && !roster.holds(player));
}

#[test]
fn news_that_comes_before_the_number_counts() {
    let roster = Roster::default();
    let player = muster_store::fresh_id();
    let slow = roster.enter(player);
    roster.hear(player, 12);
    assert!(!slow.replaced.is_cancelled());
    roster.number(&slow, 11);
    assert!(slow.replaced.is_cancelled());

    let newer = roster.enter(player);
    roster.number(&newer, 13);
    roster.hear(player, 13);
    roster.hear(player, 12);
    assert!(!newer.replaced.is_cancelled(), "its own news and old news do not replace it");
    roster.hear(muster_store::fresh_id(), 99);
    assert!(!newer.replaced.is_cancelled());
}

/// What happens to one socket, in this order.
#[derive(Clone, Copy)]
enum Step {
    Enter,
    TakeNumber,
    Number,
    Announce,
}

struct Opening {
    gateway: usize,
    place: Option<Place>,
    number: u64,
    next: Step,
    done: bool,
}

/// Sockets of one player open on three gateways in every order that chance finds; news arrive late and in any order.
#[test]
fn of_sockets_that_come_at_once_exactly_one_stays() {
    for seed in 0..2_000 {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |bound: usize| chance.next_u32() as usize % bound;
        let player = muster_store::fresh_id();
        let gateways: [Roster; 3] = Default::default();
        let mut openings: Vec<Opening> = (0..2 + below(4))
            .map(|_| Opening { gateway: below(3), place: None, number: 0, next: Step::Enter, done: false })
            .collect();
        let mut last_number = 100;
        let mut news: Vec<(usize, u64)> = Vec::new();
        while !news.is_empty() || openings.iter().any(|opening| !opening.done) {
            if !news.is_empty() && below(2) == 0 {
                let (gateway, number) = news.swap_remove(below(news.len()));
                gateways[gateway].hear(player, number);
                continue;
            }
            let count = openings.len();
            let opening = &mut openings[below(count)];
            if opening.done {
                continue;
            }
            let roster = &gateways[opening.gateway];
            opening.next = match opening.next {
                Step::Enter => {
                    opening.place = Some(roster.enter(player));
                    Step::TakeNumber
                }
                Step::TakeNumber => {
                    last_number += 1;
                    opening.number = last_number;
                    Step::Number
                }
                Step::Number => {
                    roster.number(opening.place.as_ref().unwrap(), opening.number);
                    Step::Announce
                }
                Step::Announce => {
                    news.extend((0..3).map(|gateway| (gateway, opening.number)));
                    opening.done = true;
                    Step::Announce
                }
            };
        }
        let stay: Vec<u64> = openings
            .iter()
            .filter(|opening| !opening.place.as_ref().unwrap().replaced.is_cancelled())
            .map(|opening| opening.number)
            .collect();
        assert_eq!(stay, [last_number], "seed {seed}");
    }
}
