//! The matchmaking pool: what holds of every pass.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, RatingWindow, Ticket, WindowStep};
use proptest::prelude::*;

use crate::given::{duel, player_id, queues, solo, team_queue, ticket_id, tickets, windows};
use crate::rules::{Known, between, broken, may_play_in};
use crate::table::start;

fn now() -> DateTime<Utc> {
    start()
}

fn pool(queue: &QueueDefinition, tickets: &[Ticket]) -> Pool {
    let mut pool = Pool::new(queue.clone(), "all").unwrap();
    for ticket in tickets {
        pool.insert(ticket).unwrap();
    }
    pool
}

fn pass(pool: &mut Pool, at: DateTime<Utc>) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    pool.pass(at, &mut proposals);
    proposals
}

fn known(tickets: &[Ticket]) -> Known {
    tickets.iter().map(|ticket| (ticket.ticket_id, ticket.clone())).collect()
}

/// The numbers of the tickets of each proposal.
fn numbers(proposals: &[Proposal]) -> Vec<Vec<u128>> {
    let of = |proposal: &Proposal| proposal.tickets.iter().map(|ticket| ticket.ticket_id.uuid().as_u128()).collect();
    proposals.iter().map(of).collect()
}

fn ranked_window() -> RatingWindow {
    let step = |after_secs, window| WindowStep { after_secs, window };
    RatingWindow { start: Some(100), steps: vec![step(5, Some(200)), step(10, Some(300)), step(30, None)] }
}

fn rows() -> impl Strategy<Value = (QueueDefinition, Vec<Ticket>)> {
    queues().prop_flat_map(|queue| tickets(queue, 60))
}

/// The rule for two, word by word: the first in line, with the nearest rating that fits; of two as near, the first in line.
fn by_hand(queue: &QueueDefinition, tickets: &[Ticket], at: DateTime<Utc>) -> Vec<Vec<u128>> {
    let points = |ticket: &Ticket| crate::rules::points(queue, ticket);
    let mut waiting: Vec<&Ticket> = tickets.iter().collect();
    waiting.sort_by_key(|ticket| (!ticket.returned, ticket.enqueued_at, ticket.ticket_id));
    let fits = |a: &Ticket, b: &Ticket| {
        let shared = queue
            .regions
            .iter()
            .any(|region| may_play_in(queue, a, &region.name, at) && may_play_in(queue, b, &region.name, at));
        (shared || queue.regions.is_empty()) && between(queue, a, b, at).is_empty()
    };
    let mut pairs = Vec::new();
    let mut index = 0;
    while index < waiting.len() {
        let own = waiting[index];
        let nearest = (index + 1..waiting.len()).filter(|other| fits(own, waiting[*other])).min_by(|a, b| {
            let distance = |other: usize| (points(waiting[other]) - points(own)).abs();
            distance(*a).total_cmp(&distance(*b)).then(a.cmp(b))
        });
        match nearest {
            Some(other) => {
                pairs.push(vec![own.ticket_id.uuid().as_u128(), waiting[other].ticket_id.uuid().as_u128()]);
                waiting.remove(other);
                waiting.remove(index);
            }
            None => index += 1,
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn no_match_breaks_a_rule_and_nobody_is_in_two((queue, tickets) in rows()) {
        queue.validate().unwrap();
        let known = known(&tickets);
        let mut pool = Pool::new(queue.clone(), "all").unwrap();
        for ticket in &tickets {
            pool.insert(ticket).unwrap();
        }
        let mut players = BTreeSet::new();
        let mut matched = 0;
        for seconds in [0, 2, 11, 40] {
            let at = now() + TimeDelta::seconds(seconds);
            for proposal in pass(&mut pool, at) {
                prop_assert_eq!(broken(&queue, &known, &proposal, at), Vec::<String>::new(), "{:?}", proposal);
                for player in proposal.players() {
                    prop_assert!(players.insert(player), "{} is in two matches", player);
                }
                for ticket in &proposal.tickets {
                    prop_assert!(pool.remove(ticket.ticket_id));
                    matched += 1;
                }
            }
        }
        prop_assert_eq!(pool.len() + matched, tickets.len());
        prop_assert_eq!(pool.counts(now()).held_tickets, 0);
    }

    #[test]
    fn a_pass_for_two_is_the_rule_word_by_word(
        (queue, tickets) in (queues(), windows()).prop_flat_map(|(queue, window)| {
            let duel = duel(window);
            let queue = QueueDefinition {
                regions: queue.regions,
                properties: queue.properties,
                filters: queue.filters,
                avoid_recent_opponents_secs: queue.avoid_recent_opponents_secs,
                ..duel
            };
            tickets(queue, 80)
        }),
    ) {
        let proposals = pass(&mut pool(&queue, &tickets), now());
        prop_assert_eq!(numbers(&proposals), by_hand(&queue, &tickets, now()));
    }

    #[test]
    fn the_way_the_tickets_came_does_not_matter(
        ((queue, tickets), shuffled) in rows().prop_flat_map(|row| (Just(row.clone()), Just(row.1).prop_shuffle())),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut straight = pool(&queue, &tickets);
        // A pool with a past: others came and went, and it has passed before.
        let mut other = Pool::new(queue, "all").unwrap();
        let strangers: Vec<Ticket> = (1_000..1_020).map(|number| solo(number, 1500.0, 0)).collect();
        for stranger in &strangers {
            other.insert(stranger).unwrap();
        }
        pass(&mut other, now());
        for ticket in &shuffled {
            other.insert(ticket).unwrap();
        }
        for stranger in &strangers {
            prop_assert!(other.remove(stranger.ticket_id));
        }
        for index in removed.iter().filter(|_| !tickets.is_empty()) {
            let ticket_id = tickets[index.index(tickets.len())].ticket_id;
            prop_assert_eq!(straight.remove(ticket_id), other.remove(ticket_id));
        }
        for seconds in [0, 3, 9, 40] {
            let at = now() + TimeDelta::seconds(seconds);
            prop_assert_eq!(pass(&mut straight, at), pass(&mut other, at));
            prop_assert_eq!(straight.counts(at), other.counts(at));
        }
    }

    /// Whoever would do with anybody has waited long enough for that: players who came alone and have no rule left between them do
    /// not stay while they are enough for a match.
    #[test]
    fn nobody_stays_who_could_match(
        count in 1u8..4,
        size in 1u8..5,
        patient in 0u32..40,
        impatient in 0u32..40,
        ratings in prop::collection::vec(0.0..3000.0f64, 80),
    ) {
        prop_assume!(count * size > 1);
        let queue = QueueDefinition { rating_window: ranked_window(), ..team_queue(count, size, size) };
        let waits = (0..patient).map(|at| 30_000 + i64::from(at)).chain((0..impatient).map(|at| i64::from(at) * 20));
        let tickets: Vec<Ticket> =
            waits.zip(&ratings).zip(1..).map(|((waited, points), number)| solo(number, *points, waited)).collect();
        let mut pool = pool(&queue, &tickets);
        let matched: BTreeSet<u128> = numbers(&pass(&mut pool, now())).into_iter().flatten().collect();
        let left = (1..=u128::from(patient)).filter(|number| !matched.contains(number)).count();
        prop_assert!(left < usize::from(count * size), "{} wait who could play each other", left);
    }

    #[test]
    fn explanations_count_what_is_there((queue, tickets) in rows()) {
        let pool = pool(&queue, &tickets);
        for ticket in &tickets {
            let explained = pool.explain(ticket.ticket_id, now()).unwrap();
            let removed: u32 = explained.rules.iter().map(|rule| rule.removed).sum();
            prop_assert_eq!(explained.candidates as usize, tickets.len() - 1);
            prop_assert_eq!(removed + explained.left, explained.candidates);
            let cost = |name: &str| explained.rules.iter().find(|rule| rule.rule == name).unwrap().alone as usize;
            let others = || tickets.iter().filter(|other| other.ticket_id != ticket.ticket_id);
            let apart = |other: &&Ticket| (crate::rules::points(&queue, other) - crate::rules::points(&queue, ticket)).abs();
            let too_far = others().filter(|other| apart(other) > queue.rating_window.after(ticket.waited(now())));
            prop_assert_eq!(cost("rating_window"), too_far.count());
            let nowhere = others().filter(|other| !queue.regions.is_empty() && !queue.regions.iter().any(|region| {
                may_play_in(&queue, ticket, &region.name, now()) && may_play_in(&queue, other, &region.name, now())
            }));
            prop_assert_eq!(cost("region"), nowhere.count());
        }
    }
}

#[test]
fn a_player_waits_once() {
    let mut pool = pool(&duel(ranked_window()), &[solo(1, 1500.0, 0)]);
    let again = Ticket { ticket_id: ticket_id(2), ..solo(1, 1500.0, 0) };
    pool.insert(&again).unwrap();
    assert!(!pool.contains(ticket_id(1)) && pool.contains(ticket_id(2)));
    pool.insert(&again).unwrap();
    assert_eq!(pool.len(), 1);
    assert!(pass(&mut pool, now()).is_empty());
    assert!(!pool.remove(ticket_id(1)) && pool.remove(ticket_id(2)) && pool.is_empty());
}

#[test]
fn a_party_takes_the_place_of_its_members_tickets() {
    let mut pool = pool(&team_queue(2, 2, 2), &[solo(1, 1500.0, 0), solo(2, 1500.0, 0), solo(3, 1500.0, 0)]);
    let mut party = solo(4, 1500.0, 0);
    party.members = [1, 2].map(|number| solo(number, 1500.0, 0).members.remove(0)).into();
    pool.insert(&party).unwrap();
    let counts = pool.counts(now());
    assert_eq!((counts.tickets, counts.players), (2, 3));
}

#[test]
fn proposed_tickets_are_held_until_they_are_put_back() {
    let mut pool = pool(&duel(ranked_window()), &[solo(1, 1500.0, 9_000), solo(2, 1510.0, 0)]);
    assert_eq!(numbers(&pass(&mut pool, now())), [[1, 2]]);
    assert_eq!((pool.len(), pool.counts(now()).held_tickets, pool.counts(now()).oldest), (2, 2, None));
    assert!(pass(&mut pool, now()).is_empty());
    assert!(pool.put_back(ticket_id(1)) && !pool.put_back(ticket_id(1)) && !pool.put_back(ticket_id(3)));
    assert_eq!(pool.counts(now()).oldest, Some(Duration::from_secs(9)));
    assert!(pass(&mut pool, now()).is_empty());
    assert!(pool.put_back(ticket_id(2)));
    assert_eq!(numbers(&pass(&mut pool, now())), [[1, 2]]);
}

#[test]
fn returned_tickets_go_first() {
    let returned = Ticket { returned: true, ..solo(3, 1500.0, 0) };
    let mut pool = pool(&duel(RatingWindow::any()), &[solo(1, 1500.0, 9_000), solo(2, 1400.0, 5_000), returned]);
    assert_eq!(numbers(&pass(&mut pool, now())), [[3, 1]]);
}

#[test]
fn the_narrower_window_counts() {
    // 250 apart: enough for one that has waited 10 s, too much for a newcomer.
    let mut pool = pool(&duel(ranked_window()), &[solo(1, 1500.0, 10_000), solo(2, 1750.0, 0)]);
    assert!(pass(&mut pool, now()).is_empty());
    assert!(pass(&mut pool, now() + TimeDelta::milliseconds(9_999)).is_empty());
    assert_eq!(pass(&mut pool, now() + TimeDelta::seconds(10)).len(), 1);
}

#[test]
fn expired_tickets_are_told_and_stay() {
    let queue = QueueDefinition { max_wait_secs: Some(30), ..duel(ranked_window()) };
    let mut pool = pool(&queue, &[solo(1, 100.0, 29_999), solo(2, 900.0, 31_000), solo(3, 5000.0, 30_000)]);
    assert_eq!((pool.expired(now()), pool.len()), (vec![ticket_id(2), ticket_id(3)], 3));
    pool.clear();
    assert_eq!((pool.len(), pool.counts(now()).oldest, pool.expired(now()).len()), (0, None, 0));
    assert!(pass(&mut pool, now()).is_empty());
}

#[test]
fn teams_are_balanced() {
    let ratings = [2000.0, 1000.0, 1900.0, 1100.0, 1500.0, 1500.0, 1400.0, 1600.0, 1450.0, 1550.0];
    let tickets: Vec<Ticket> = ratings.iter().zip(1..).map(|(points, number)| solo(number, *points, 0)).collect();
    let proposals = pass(&mut pool(&team_queue(2, 5, 5), &tickets), now());
    let strength = |team: u8| -> f64 {
        let of_team = proposals[0].places.iter().filter(|place| place.team == team);
        of_team.map(|place| place.rating.points).sum()
    };
    assert!((strength(0) - strength(1)).abs() <= 100.0, "{} and {}", strength(0), strength(1));
    assert!(proposals[0].quality > 0.9, "{}", proposals[0].quality);
}

#[test]
fn parties_of_a_size_play_alike_first() {
    let mut queue = team_queue(2, 2, 2);
    queue.party.alike_first_secs = Some(10);
    let party = |number: u128, waited_ms| {
        let mut ticket = solo(number, 1500.0, waited_ms);
        ticket.members.push(solo(number + 100, 1500.0, 0).members.remove(0));
        ticket
    };
    let mut one = pool(&queue, &[party(1, 3_000), solo(2, 1500.0, 2_000), solo(3, 1500.0, 1_000)]);
    assert!(pass(&mut one, now()).is_empty(), "a party waits for a party");
    one.insert(&party(4, 0)).unwrap();
    assert_eq!(numbers(&pass(&mut one, now())), [[1, 4]]);
    let mut other = pool(&queue, &[party(1, 13_000), solo(2, 1500.0, 12_000), solo(3, 1500.0, 11_000)]);
    assert_eq!(numbers(&pass(&mut other, now())), [[1, 2, 3]]);
}

#[test]
fn a_group_has_its_own_regions() {
    let mut queue = duel(RatingWindow::any());
    let region = |name: &str, group: &str| muster_core::matchmaking::Region {
        name: name.into(),
        group: group.into(),
        latency: None,
    };
    queue.regions = vec![region("us-east", "us"), region("us-west", "us"), region("asia", "asia")];
    let mut pool = Pool::new(queue, "us").unwrap();
    let near = |number, name: &str| Ticket {
        latencies_ms: BTreeMap::from([(name.to_owned(), 20)]),
        ..solo(number, 1500.0, 0)
    };
    let refused = pool.insert(&near(1, "asia")).unwrap_err();
    assert_eq!(refused[0].path, "latencies_ms");
    pool.insert(&near(1, "us-east")).unwrap();
    pool.insert(&near(2, "us-west")).unwrap();
    assert!(pass(&mut pool, now()).is_empty());
    pool.insert(&solo(3, 1500.0, 0)).unwrap();
    let proposals = pass(&mut pool, now());
    assert_eq!((numbers(&proposals), proposals[0].region.as_deref()), (vec![vec![1, 3]], Some("us-east")));
}

#[test]
fn an_explanation_says_what_is_missing() {
    let pool = pool(&duel(ranked_window()), &[solo(1, 1500.0, 3_000), solo(2, 1700.0, 0), solo(3, 2500.0, 40_000)]);
    let explained = pool.explain(ticket_id(1), now()).unwrap();
    let costs: Vec<_> = explained.rules.iter().map(|rule| (rule.rule.as_str(), rule.removed, rule.alone)).collect();
    assert_eq!(costs[..3], [("region", 0, 0), ("rating_window", 2, 2), ("their_rating_window", 0, 1)]);
    assert_eq!(
        (explained.rating_window, explained.waited_ms, explained.left, explained.players_needed),
        (Some(100.0), 3_000, 0, 1)
    );
    assert_eq!(explained.verdict, "Of 2 others, none is left: `rating_window` alone refuses the most.");
    assert_eq!(pool.explain(ticket_id(9), now()), None);
    assert_eq!(pool.histogram(now()).by_rating.iter().map(|bucket| bucket.tickets).sum::<u32>(), 3);
    assert!(!pool.is_empty() && player_id(1) != player_id(2));
}
