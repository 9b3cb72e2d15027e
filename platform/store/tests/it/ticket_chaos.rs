//! Many processes at once do to tickets whatever they can, in any order; what has to hold holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::Ticket;
use muster_core::wire::TicketState;
use muster_store::{
    CancelledBy, Changes, Claim, ClaimedTicket, EndReason, NewTicket, ProposeRequest, Proposed, Store, TicketChange,
    fresh_id, now,
};
use muster_testkit::Scratch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::given::{self, shard};

const PLAYERS: usize = 24;

/// One process, with what it has claimed and proposed itself.
struct Process<'a> {
    store: &'a Store,
    players: &'a [PlayerId],
    chance: StdRng,
    claimed: Vec<Vec<ClaimedTicket>>,
    matched: Vec<Vec<ClaimedTicket>>,
    accept_by: DateTime<Utc>,
}

impl Process<'_> {
    fn some_players(&mut self) -> Vec<PlayerId> {
        let mut party = BTreeSet::new();
        for _ in 0..self.chance.random_range(1..=3) {
            party.insert(self.players[self.chance.random_range(0..self.players.len())]);
        }
        party.into_iter().collect()
    }

    /// Two of those that wait, as this process sees them.
    async fn some_tickets(&mut self) -> Vec<TicketId> {
        let pool = self.store.tickets.snapshot(&shard()).await.unwrap().tickets;
        let mut ids: Vec<TicketId> = pool.iter().map(|ticket| ticket.ticket_id).collect();
        while ids.len() > 2 {
            ids.swap_remove(self.chance.random_range(0..ids.len()));
        }
        ids
    }

    async fn step(&mut self) {
        let tickets = &self.store.tickets;
        match self.chance.random_range(0..10) {
            0..3 => {
                let new: Vec<NewTicket> = (0..3).map(|_| given::new_party(&self.some_players())).collect();
                tickets.create_many(&new).await.unwrap();
            }
            3 => {
                if let Some(ticket) = self.some_tickets().await.pop() {
                    tickets.cancel(ticket, CancelledBy::Server, now()).await.unwrap();
                }
            }
            4 => {
                let some = self.some_tickets().await;
                tickets.end_many(&some[..some.len() / 2], EndReason::MaxWait, now()).await.unwrap();
            }
            5 => {
                let some = self.some_tickets().await;
                let request = muster_store::ClaimRequest { match_id: fresh_id(), tickets: some, backfill: None };
                if request.tickets.len() == 2
                    && let Claim::Claimed(claimed) = given::claim(self.store, &shard(), &request, now()).await
                {
                    self.claimed.push(claimed);
                }
            }
            6 => {
                if let Some(claimed) = self.claimed.pop() {
                    tickets.release(&claimed).await.unwrap();
                }
            }
            7 => {
                if let Some(claimed) = self.claimed.pop() {
                    tickets.settle(&claimed, now()).await.unwrap();
                    self.matched.push(claimed);
                }
            }
            8 => self.propose_and_answer().await,
            _ => self.decide().await,
        }
    }

    async fn propose_and_answer(&mut self) {
        let some = self.some_tickets().await;
        if some.len() < 2 {
            return;
        }
        let (accept_by, plan) = (self.accept_by, String::new());
        let request = ProposeRequest { match_id: fresh_id(), tickets: some, backfill: None, accept_by, plan };
        let answers = self.store.tickets.propose_many(&shard(), std::slice::from_ref(&request)).await.unwrap();
        let Proposed::Proposed(records) = &answers[0] else { return };
        for record in records {
            for player in record.ticket.players() {
                let accept = self.chance.random_bool(0.9);
                self.store.tickets.answer(record.ticket.ticket_id, player, accept, now()).await.unwrap();
            }
        }
    }

    async fn decide(&mut self) {
        for open in self.store.tickets.due_proposals(&shard(), now()).await.unwrap() {
            if let Some(claimed) = self.store.tickets.confirm(&shard(), open.match_id, now()).await.unwrap() {
                self.claimed.push(claimed);
            } else if open.has_failed(now()) {
                self.store.tickets.dissolve(&shard(), open.match_id, now()).await.unwrap();
            }
        }
    }
}

/// A leader's pool, as it follows.
async fn follow(store: &Store, pool: &mut BTreeMap<TicketId, Ticket>, cursor: &mut u64) {
    let Changes::Since { items, cursor: reached } = store.tickets.changes(&shard(), *cursor).await.unwrap() else {
        panic!("nothing was trimmed")
    };
    *cursor = reached;
    for change in items {
        match change {
            TicketChange::Added(ticket) => {
                let before = pool.insert(ticket.ticket_id, ticket);
                assert_eq!(before, None, "it waited already");
            }
            TicketChange::Removed(ticket) => assert!(pool.remove(&ticket).is_some(), "it did not wait"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn whatever_happens_at_once_nobody_is_in_two_places_and_the_leader_sees_it_all() {
    let scratch = Scratch::new().await;
    let others = [scratch.reconnect().await, scratch.reconnect().await];
    let players: Vec<PlayerId> = (0..PLAYERS).map(|_| fresh_id()).collect();
    let stores = [&scratch.store, &others[0], &others[1]];
    let mut processes: Vec<Process<'_>> = (7..)
        .zip(stores)
        .map(|(seed, store)| Process {
            store,
            players: &players,
            chance: StdRng::seed_from_u64(seed),
            claimed: Vec::new(),
            matched: Vec::new(),
            accept_by: now() + TimeDelta::hours(1),
        })
        .collect();

    let (mut pool, mut cursor) = (BTreeMap::new(), 0);
    for _ in 0..40 {
        join_all(processes.iter_mut().map(async |process| {
            for _ in 0..8 {
                process.step().await;
            }
        }))
        .await;
        follow(&scratch.store, &mut pool, &mut cursor).await;
        check(&scratch.store, &players, &pool, &processes).await;
    }
    assert!(processes.iter().map(|process| process.matched.len()).sum::<usize>() > 20, "matches were made");
    scratch.finish().await;
}

async fn check(store: &Store, players: &[PlayerId], pool: &BTreeMap<TicketId, Ticket>, processes: &[Process<'_>]) {
    let waiting: BTreeMap<TicketId, Ticket> = store
        .tickets
        .snapshot(&shard())
        .await
        .unwrap()
        .tickets
        .into_iter()
        .map(|ticket| (ticket.ticket_id, ticket))
        .collect();
    assert_eq!(&waiting, pool, "the leader's pool is the pool");

    let open = store.tickets.open_proposals(&shard()).await.unwrap();
    let proposed: Vec<Ticket> = open.into_iter().flat_map(|open| open.tickets).map(|record| record.ticket).collect();
    let held =
        processes.iter().flat_map(|process| process.claimed.iter().flatten()).map(|claimed| claimed.ticket().clone());
    let live: Vec<Ticket> = pool.values().cloned().chain(proposed).chain(held).collect();
    let mut whose: BTreeMap<PlayerId, TicketId> = BTreeMap::new();
    for ticket in &live {
        for player in ticket.players() {
            let other = whose.insert(player, ticket.ticket_id);
            assert_eq!(other, None, "a player is in two live tickets");
        }
    }
    for player in players {
        let live = store.tickets.of_player(*player).await.unwrap().map(|record| record.ticket.ticket_id);
        assert_eq!(live, whose.get(player).copied());
    }
    let mut matched = BTreeSet::new();
    for claimed in processes.iter().flat_map(|process| process.matched.iter().flatten()) {
        assert!(matched.insert(claimed.ticket().ticket_id), "a ticket is in two matches");
        let record = store.tickets.get(claimed.ticket().ticket_id).await.unwrap().unwrap();
        assert_eq!((record.state, record.match_id), (TicketState::Matched, Some(claimed.match_id())));
    }
}
