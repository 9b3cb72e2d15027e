//! What must hold whatever happens to leaders: nobody is lost, nobody is matched twice, and matching goes on.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, TicketId};
use muster_core::matchmaking::{QueueDefinition, shipped_queues};
use muster_core::wire::TicketState;
use muster_store::{Claim, ClaimRequest, MatchFilter, NewTicket, Shard, Store};
use muster_testkit::{Platform, Signal, eventually};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use crate::matchmaking_given::{create, leader, matches_told, player, reaches, solo};

const QUEUE: &str = "classic-casual";
/// Tickets that come every 50 ms: 200 a second.
const EVERY: Duration = Duration::from_millis(50);
const AT_ONCE: usize = 10;

fn casual() -> QueueDefinition {
    shipped_queues().into_iter().find(|queue| queue.name == QUEUE).unwrap()
}

/// 200 players a second, for so long; their strength follows from the seed.
fn arrivals(store: Store, lasting: Duration, seed: u64) -> JoinHandle<Vec<NewTicket>> {
    tokio::spawn(async move {
        let (queue, mut random) = (casual(), ChaCha8Rng::seed_from_u64(seed));
        let (mut all, mut ticks) = (Vec::new(), interval(EVERY));
        let until = Instant::now() + lasting;
        while Instant::now() < until {
            ticks.tick().await;
            let new: Vec<NewTicket> = (0..AT_ONCE).map(|_| solo(&queue, random.random_range(900.0..2100.0))).collect();
            create(&store, &new).await;
            all.extend(new);
        }
        all
    })
}

/// The server that leads the queue.
async fn led(platform: &Platform, servers: &[usize]) -> usize {
    eventually(Duration::from_secs(10), "somebody to lead", async || leader(platform, servers, QUEUE).await).await
}

/// Waits until matching is in full swing.
async fn matches_made(platform: &Platform, many: u64) {
    eventually(Duration::from_secs(10), "matches to be made", async || {
        let made = platform.scratch.store.matches.count(&MatchFilter::default()).await.unwrap();
        (made >= many).then_some(())
    })
    .await;
}

/// Every player has one match: by their ticket, by the match's row, and by what they were told.
async fn all_matched_once(platform: &Platform, tickets: &[NewTicket], within: Duration) {
    let store = &platform.scratch.store;
    let deadline = Instant::now() + within;
    let mut matches: HashMap<MatchId, u32> = HashMap::new();
    for new in tickets {
        let left = deadline.saturating_duration_since(Instant::now());
        let record = reaches(store, new.ticket.ticket_id, TicketState::Matched, left).await;
        let match_id = record.match_id.unwrap();
        *matches.entry(match_id).or_default() += 1;
        assert_eq!(matches_told(store, player(new)).await, [match_id], "what the player was told");
    }
    assert!(matches.values().all(|players| *players == 2), "two to a match");
    let pool = platform.scratch.sql().await;
    let (seats, players): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct player_id) from play.match_players")
            .fetch_one(&pool)
            .await
            .unwrap();
    pool.close().await;
    assert_eq!(
        (seats, players),
        (tickets.len() as i64, tickets.len() as i64),
        "a seat each, and nobody in two matches"
    );
    let stale = store.tickets.stale_claims(muster_store::now() + Duration::from_secs(3600)).await.unwrap();
    assert_eq!(stale, [], "nothing is left half done");
}

/// The first match that was made after a moment.
async fn first_match_after(platform: &Platform, at: DateTime<Utc>) -> DateTime<Utc> {
    let pool = platform.scratch.sql().await;
    let (first,): (Option<DateTime<Utc>>,) =
        sqlx::query_as("select min(created_at) from play.matches where created_at > $1")
            .bind(at)
            .fetch_one(&pool)
            .await
            .unwrap();
    pool.close().await;
    first.expect("matches were made")
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_the_leader_under_load_loses_nobody_and_matching_goes_on() {
    let roles = "matchmaker,referee,writer";
    let mut platform = Platform::builder().server(2).server_roles(0, roles).server_roles(1, roles).start().await;
    let first = led(&platform, &[0, 1]).await;
    let arrivals = arrivals(platform.scratch.store.clone(), Duration::from_secs(12), 7);
    matches_made(&platform, 300).await;

    kill_half_way(&mut platform, first).await;
    let killed = muster_store::now();

    let tickets = arrivals.await.unwrap();
    assert!(tickets.len() >= 1_500, "{} tickets", tickets.len());
    all_matched_once(&platform, &tickets, Duration::from_secs(20)).await;
    let pause = first_match_after(&platform, killed).await - killed;
    assert!(pause.to_std().unwrap() <= Duration::from_secs(5), "no match for {pause}");
    assert_eq!(led(&platform, &[1 - first]).await, 1 - first);
    let metrics = platform.metrics(platform.server_ops_url(1 - first)).await;
    let recovered = metrics.lines().find_map(|line| line.strip_prefix("muster_matchmaker_claims_recovered_total "));
    assert!(recovered.is_some_and(|matches| matches != "0"), "the other brought to an end what was half done");
    platform.finish().await;
}

/// Kills a leader while matches of its are half made: tickets are claimed, and their players not free yet.
async fn kill_half_way(platform: &mut Platform, server: usize) {
    let store = platform.scratch.store.clone();
    let claims = async || store.tickets.stale_claims(muster_store::now() + Duration::from_secs(3600)).await.unwrap();
    eventually(Duration::from_secs(10), "the leader to be in the middle of it", async || {
        (!claims().await.is_empty()).then_some(())?;
        platform.server(server).signal(Signal::Stop);
        // What it had sent before it stopped still arrives.
        tokio::time::sleep(Duration::from_millis(50)).await;
        if claims().await.is_empty() {
            platform.server(server).signal(Signal::Continue);
            return None;
        }
        platform.server(server).kill9().await;
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_and_wakes_up_matches_nobody_twice() {
    let roles = "matchmaker,referee,writer";
    let mut platform = Platform::builder().server(2).server_roles(0, roles).server_roles(1, roles).start().await;
    let first = led(&platform, &[0, 1]).await;
    let arrivals = arrivals(platform.scratch.store.clone(), Duration::from_secs(12), 11);
    matches_made(&platform, 200).await;

    platform.server(first).signal(Signal::Stop);
    assert_eq!(led(&platform, &[1 - first]).await, 1 - first);
    // For a moment there are two who think that they lead.
    platform.server(first).signal(Signal::Continue);

    let tickets = arrivals.await.unwrap();
    all_matched_once(&platform, &tickets, Duration::from_secs(20)).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leaders_at_once_cannot_match_a_player_twice() {
    let platform = Platform::builder().server_roles(0, "matchmaker,referee,writer").start().await;
    let store = platform.scratch.store.clone();
    let arrivals = arrivals(store.clone(), Duration::from_secs(6), 13);
    let rival = tokio::spawn(rival(store.clone(), 17));
    let tickets = arrivals.await.unwrap();
    let taken = rival.await.unwrap();
    assert!(taken > 20, "the rival got {taken} pairs only");
    all_matched_once(&platform, &tickets, Duration::from_secs(20)).await;
    platform.finish().await;
}

/// Another leader, who claims at random from the same pool and gives back what he got. Tells how many pairs he got.
async fn rival(store: Store, seed: u64) -> usize {
    let (shard, mut random, mut taken) = (Shard::new(QUEUE, "all"), ChaCha8Rng::seed_from_u64(seed), 0);
    let until = Instant::now() + Duration::from_secs(6);
    let mut ticks = interval(Duration::from_millis(7));
    while Instant::now() < until {
        ticks.tick().await;
        let mut waiting: Vec<TicketId> =
            store.tickets.snapshot(&shard).await.unwrap().tickets.iter().map(|ticket| ticket.ticket_id).collect();
        waiting.shuffle(&mut random);
        let requests: Vec<ClaimRequest> = waiting
            .chunks_exact(2)
            .take(4)
            .map(|pair| ClaimRequest { match_id: muster_store::fresh_id(), tickets: pair.to_vec(), backfill: None })
            .collect();
        for claim in store.tickets.claim_many(&shard, &requests, muster_store::now()).await.unwrap() {
            if let Claim::Claimed(claimed) = claim {
                taken += 1;
                store.tickets.release(&claimed).await.unwrap();
            }
        }
    }
    taken
}
