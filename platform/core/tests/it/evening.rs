//! An evening of a small game: what players of the shipped ranked queue get.

use chrono::TimeDelta;
use muster_core::matchmaking::{Pool, Ticket, shipped_queues};
use muster_core::rating::Rating;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::given::solo;
use crate::table::start;

/// Normal, by the sum of twelve uniforms (Irwin–Hall).
fn normal(dice: &mut ChaCha8Rng, mean: f64, deviation: f64) -> f64 {
    let sum: f64 = (0..12).map(|_| dice.random::<f64>()).sum();
    mean + (sum - 6.0) * deviation
}

fn percentile(sorted: &[i64], percent: usize) -> i64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// 500 players, ratings 1500 ± 300, each near one of the four regions and far from the others, arrive over ten minutes.
fn evening(seed: u64) -> (Vec<i64>, Vec<f64>, usize) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let queue = shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap();
    // Milliseconds from each region (down) to each: us-east, us-west, eu-west, asia.
    let latencies = [[15, 65, 80, 210], [65, 15, 140, 120], [80, 140, 15, 230], [210, 120, 230, 15]];
    let mut tickets: Vec<Ticket> = (1..=500)
        .map(|number| {
            let mut ticket = solo(number, 0.0, 0);
            let deviation = 60.0 + dice.random::<f64>() * 120.0;
            ticket.members[0].rating = Rating { points: normal(&mut dice, 1500.0, 300.0), deviation };
            ticket.enqueued_at = start() + TimeDelta::milliseconds(dice.random_range(0..600_000));
            let home = dice.random_range(0..4);
            let own = dice.random_range(0..40u16);
            let names = queue.regions.iter().map(|region| region.name.clone());
            ticket.latencies_ms = names.zip(latencies[home]).map(|(name, latency)| (name, latency + own)).collect();
            ticket
        })
        .collect();
    tickets.sort_by_key(|ticket| ticket.enqueued_at);

    let mut pool = Pool::new(queue, "all").unwrap();
    let (mut waits, mut qualities, mut proposals) = (Vec::new(), Vec::new(), Vec::new());
    let mut coming = tickets.iter().peekable();
    for tick in 0..15 * 600 {
        let now = start() + TimeDelta::milliseconds(tick * 100);
        while let Some(ticket) = coming.next_if(|ticket| ticket.enqueued_at <= now) {
            pool.insert(ticket).unwrap();
        }
        pool.pass(now, &mut proposals);
        for proposal in proposals.drain(..) {
            qualities.push(proposal.quality);
            for ticket in proposal.tickets {
                waits.push((now - ticket.enqueued_at).num_milliseconds());
                pool.remove(ticket.ticket_id);
            }
        }
    }
    waits.sort_unstable();
    (waits, qualities, pool.len())
}

#[test]
fn five_hundred_players_in_ten_minutes_play_even_matches_soon() {
    for seed in 0..5 {
        let (waits, qualities, left) = evening(seed);
        let mean = qualities.iter().sum::<f64>() / qualities.len() as f64;
        let (p50, p95) = (percentile(&waits, 50), percentile(&waits, 95));
        println!("seed {seed}: mean quality {mean:.3}, wait p50 {p50} ms, p95 {p95} ms, left {left}");
        assert!(mean >= 0.85, "mean quality {mean} with seed {seed}");
        assert!(p50 < 30_000, "median wait {p50} ms with seed {seed}");
        assert!(left <= 1, "{left} never matched with seed {seed}");
    }
}
