//! What a pool costs in memory: alone in its process, because the allocator is counted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, Ticket, shipped_queues};
use muster_core::rating::Rating;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TICKETS: u128 = 100_000;

fn queue() -> QueueDefinition {
    shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap()
}

fn ticket(number: u128, at: DateTime<Utc>) -> Ticket {
    // One in twenty is far from all others, so that some match and some stay.
    let points = match number.is_multiple_of(20) {
        true => (number / 20) as f64 * 350.0 - 900_000.0,
        false => 1500.0 + (number % 977) as f64,
    };
    let id = Uuid::from_u128(number);
    Ticket::solo(TicketId::from_uuid(id), PlayerId::from_uuid(id), Rating { points, deviation: 80.0 }, at)
}

#[test]
fn a_plain_ticket_is_small_and_a_warm_pass_allocates_nothing() {
    let now: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
    let tickets: Vec<Ticket> = (1..=TICKETS).map(|number| ticket(number, now)).collect();

    let region = Region::new(ALLOCATOR);
    let mut pool = Pool::new(queue(), "all").unwrap();
    for ticket in &tickets {
        pool.insert(ticket).unwrap();
    }
    let change = region.change();
    // What lives on; growing by doubling leaves room behind that is counted too.
    let of_its_own = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    let per_ticket = of_its_own / TICKETS as isize;
    println!("{per_ticket} bytes a ticket");
    assert!(per_ticket <= 256, "{per_ticket} bytes a ticket");

    let mut proposals: Vec<Proposal> = Vec::new();
    let round = |pool: &mut Pool, proposals: &mut Vec<Proposal>, seconds: i64| {
        proposals.clear();
        pool.pass(now + TimeDelta::seconds(seconds), proposals);
        for ticket in proposals.iter().flat_map(|proposal| &proposal.tickets) {
            assert!(pool.put_back(ticket.ticket_id));
        }
    };
    round(&mut pool, &mut proposals, 0);
    round(&mut pool, &mut proposals, 1);
    let region = Region::new(ALLOCATOR);
    round(&mut pool, &mut proposals, 1);
    let change = region.change();
    assert!(proposals.len() > 10_000, "{} matches", proposals.len());
    assert_eq!((change.allocations, change.reallocations), (0, 0), "a pass over a warm pool allocates");
}
