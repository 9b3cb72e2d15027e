//! The matchmaking pool: what holds of every pass.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::game::Mode;
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, RatingWindow, Ticket, WindowStep, shipped_queues};
use proptest::prelude::*;
use uuid::Uuid;

use crate::table::start;

fn ticket(number: u128, rating: f64, waited_ms: i64) -> Ticket {
    Ticket {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(number)),
        player_id: PlayerId::from_uuid(Uuid::from_u128(number)),
        rating,
        deviation: 100.0,
        enqueued_at: start() - TimeDelta::milliseconds(waited_ms),
    }
}

fn now() -> DateTime<Utc> {
    start()
}

fn queue(rating_window: RatingWindow) -> QueueDefinition {
    QueueDefinition {
        name: "test".into(),
        version: 1,
        mode: Mode::Classic,
        ranked: true,
        rating_window,
        max_wait_secs: None,
    }
}

fn ranked() -> QueueDefinition {
    shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap()
}

fn pool(queue: QueueDefinition, tickets: &[Ticket]) -> Pool {
    let mut pool = Pool::new(queue);
    tickets.iter().for_each(|ticket| pool.insert(ticket.clone()));
    pool
}

fn pass(pool: &mut Pool, at: DateTime<Utc>) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    pool.pass(at, &mut proposals);
    proposals
}

/// The numbers of the tickets of each proposal.
fn numbers(proposals: &[Proposal]) -> Vec<Vec<u128>> {
    let number = |ticket: &Ticket| ticket.ticket_id.uuid().as_u128();
    proposals.iter().map(|proposal| proposal.tickets.iter().map(number).collect()).collect()
}

fn fits(queue: &QueueDefinition, a: &Ticket, b: &Ticket, at: DateTime<Utc>) -> bool {
    let allows = |ticket: &Ticket| queue.rating_window.after(ticket.waited(at));
    let distance = (a.rating - b.rating).abs();
    distance.is_finite() && distance <= allows(a) && distance <= allows(b)
}

/// The rule, word by word: the oldest first, with the nearest rating that fits; of two as near, the older.
fn by_hand(queue: &QueueDefinition, tickets: &[Ticket], at: DateTime<Utc>) -> Vec<Vec<u128>> {
    let mut waiting: Vec<&Ticket> = tickets.iter().collect();
    waiting.sort_by_key(|ticket| (ticket.enqueued_at, ticket.ticket_id));
    let mut pairs = Vec::new();
    let mut index = 0;
    while index < waiting.len() {
        let own = waiting[index];
        let nearest =
            (index + 1..waiting.len()).filter(|other| fits(queue, own, waiting[*other], at)).min_by(|a, b| {
                let distance = |other: usize| (waiting[other].rating - own.rating).abs();
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

fn queues() -> impl Strategy<Value = QueueDefinition> {
    let steps = prop::collection::vec((1u32..12, 0u32..400, prop::bool::weighted(0.2)), 0..6);
    let window = (0u32..200, steps).prop_map(|(start, steps)| {
        let (mut after_secs, mut window) = (0, start);
        let mut any = false;
        let steps = steps.into_iter().map(|(later, wider, is_any)| {
            after_secs += later;
            window += wider;
            any |= is_any;
            WindowStep { after_secs, window: (!any).then_some(window) }
        });
        RatingWindow { start: Some(start), steps: steps.collect() }
    });
    prop_oneof![4 => window, 1 => Just(RatingWindow::any()), 2 => Just(ranked().rating_window)].prop_map(queue)
}

/// Few ratings and few moments, so that ties come up; and now and then a rating that no arithmetic likes.
fn tickets() -> impl Strategy<Value = Vec<Ticket>> {
    let ratings = prop_oneof![
        20 => (-20i32..120).prop_map(|tens| f64::from(tens) * 25.0),
        20 => (0i32..30).prop_map(|tens| 1500.0 + f64::from(tens)),
        1 => prop::sample::select(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0][..]),
    ];
    prop::collection::vec((ratings, -2i64..45), 0..120).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(|(index, (rating, secs))| ticket(index as u128 + 1, rating, secs * 1000))
            .collect()
    })
}

proptest! {
    #[test]
    fn a_pass_is_the_rule_word_by_word(queue in queues(), tickets in tickets()) {
        queue.validate().unwrap();
        let proposals = pass(&mut pool(queue.clone(), &tickets), now());
        prop_assert_eq!(numbers(&proposals), by_hand(&queue, &tickets, now()));
    }

    #[test]
    fn every_proposal_fits_both_ways_and_nobody_is_in_two(queue in queues(), tickets in tickets()) {
        let mut pool = pool(queue.clone(), &tickets);
        let proposals = pass(&mut pool, now());
        let mut players = HashSet::new();
        for proposal in &proposals {
            let [a, b] = proposal.tickets.as_slice() else { panic!("two tickets make a match") };
            prop_assert!(fits(&queue, a, b, now()), "{a:?} and {b:?}");
            prop_assert!((a.enqueued_at, a.ticket_id) < (b.enqueued_at, b.ticket_id), "the older comes first");
            for ticket in &proposal.tickets {
                prop_assert!(players.insert(ticket.player_id));
                prop_assert!(tickets.contains(ticket) && !pool.contains(ticket.ticket_id));
            }
            prop_assert!((0.0..=1.0).contains(&proposal.quality) && (0.0..=1.0).contains(&proposal.win_probability));
        }
        prop_assert_eq!(pool.len() + 2 * proposals.len(), tickets.len());
        let left: Vec<_> = pool.tickets().collect();
        for (index, a) in left.iter().enumerate() {
            for b in &left[index + 1..] {
                prop_assert!(!fits(&queue, a, b, now()), "{a:?} and {b:?} were left");
            }
        }
        let oldest: Vec<_> = proposals.iter().map(|proposal| (proposal.tickets[0].enqueued_at, proposal.tickets[0].ticket_id)).collect();
        prop_assert!(oldest.is_sorted());
    }

    #[test]
    fn the_way_the_tickets_came_does_not_matter(
        queue in queues(),
        (tickets, shuffled) in tickets().prop_flat_map(|tickets| (Just(tickets.clone()), Just(tickets).prop_shuffle())),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut straight = pool(queue.clone(), &tickets);
        let mut other = pool(queue, &shuffled);
        // A pool with a past: others came and went, and it has passed before.
        for number in 1_000..1_020 {
            other.insert(ticket(number, 1500.0, 0));
        }
        for number in 1_000..1_020 {
            prop_assert!(other.remove(ticket(number, 1500.0, 0).ticket_id).is_some());
        }
        for index in removed.iter().filter(|_| !tickets.is_empty()) {
            let ticket_id = tickets[index.index(tickets.len())].ticket_id;
            prop_assert_eq!(straight.remove(ticket_id).is_some(), other.remove(ticket_id).is_some());
        }
        for seconds in [0, 3, 9, 40] {
            let at = now() + TimeDelta::seconds(seconds);
            prop_assert_eq!(numbers(&pass(&mut straight, at)), numbers(&pass(&mut other, at)));
            prop_assert_eq!(straight.len(), other.len());
        }
    }
}

#[test]
fn a_player_waits_once() {
    let mut pool = Pool::new(ranked());
    pool.insert(ticket(1, 1500.0, 0));
    let again = Ticket { ticket_id: TicketId::from_uuid(Uuid::from_u128(2)), ..ticket(1, 1500.0, 0) };
    pool.insert(again.clone());
    assert_eq!(pool.tickets().collect::<Vec<_>>(), [&again]);
    pool.insert(again.clone());
    assert_eq!(pool.len(), 1);
    assert!(pass(&mut pool, now()).is_empty());
    assert_eq!(pool.remove(ticket(1, 1500.0, 0).ticket_id), None);
    assert_eq!(pool.remove(again.ticket_id), Some(again));
    assert!(pool.is_empty());
}

#[test]
fn tickets_that_were_not_claimed_can_wait_again() {
    let mut pool = pool(ranked(), &[ticket(1, 1500.0, 9_000), ticket(2, 1510.0, 0)]);
    let mut proposals = pass(&mut pool, now());
    let proposal = proposals.pop().unwrap();
    assert!(pool.is_empty() && proposals.is_empty());
    proposal.tickets.into_iter().for_each(|ticket| pool.insert(ticket));
    assert_eq!(pool.oldest(now()), Some(Duration::from_secs(9)));
    assert_eq!(numbers(&pass(&mut pool, now())), [[1, 2]]);
}

#[test]
fn the_narrower_window_counts() {
    // 250 apart: enough for one that has waited 10 s, too much for a newcomer.
    let tickets = [ticket(1, 1500.0, 10_000), ticket(2, 1750.0, 0)];
    let mut pool = pool(ranked(), &tickets);
    assert!(pass(&mut pool, now()).is_empty());
    assert!(pass(&mut pool, now() + TimeDelta::milliseconds(9_999)).is_empty());
    assert_eq!(pass(&mut pool, now() + TimeDelta::seconds(10)).len(), 1);
}

#[test]
fn expired_tickets_are_told_and_stay() {
    let definition = QueueDefinition { max_wait_secs: Some(30), ..ranked() };
    let mut pool = pool(definition, &[ticket(1, 100.0, 29_999), ticket(2, 900.0, 31_000), ticket(3, 5000.0, 30_000)]);
    let expired: Vec<_> = pool.expired(now()).iter().map(|ticket| ticket.ticket_id.uuid().as_u128()).collect();
    assert_eq!((expired, pool.len()), (vec![2, 3], 3));
    pool.clear();
    assert_eq!((pool.len(), pool.oldest(now()), pool.expired(now()).len()), (0, None, 0));
    assert!(pass(&mut pool, now()).is_empty());
}
