//! One queue: standing for its lease, then leading it until the lease or the process goes.

use std::time::Duration;

use muster_core::matchmaking::{Pool, Proposal};
use muster_store::{Changes, Claim, Lease, LeaseError, StoreError, TicketChange};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Matchmaker, make};
use crate::events;

/// How often a follower tries for the lease, and a leader renews it.
const RENEW: Duration = Duration::from_secs(1);
/// Matches made at the same time.
const MAKING: usize = 64;

/// Leads the queue whenever this process holds its lease.
pub(super) async fn run(matchmaker: Matchmaker, queue: String) {
    let lease_name = format!("matchmaker.{queue}");
    let mut tries = tokio::time::interval(RENEW);
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return,
            _ = tries.tick() => {}
        }
        match matchmaker.store.leases.acquire(&lease_name, &matchmaker.holder).await {
            Ok(Some(lease)) => {
                let mut leader = match Leader::new(&matchmaker, &queue, lease).await {
                    Ok(leader) => leader,
                    Err(error) => {
                        tracing::warn!(
                            queue,
                            error = &error as &dyn std::error::Error,
                            "the queue's tickets could not be read"
                        );
                        continue;
                    }
                };
                let reason = leader.lead().await;
                events::shard_left(&queue, &reason);
                leader.resign().await;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(queue, error = &error as &dyn std::error::Error, "the lease could not be asked for");
            }
        }
    }
}

struct Leader<'a> {
    matchmaker: &'a Matchmaker,
    queue: &'a str,
    lease: Option<Lease>,
    pool: Pool,
    cursor: u64,
    making: JoinSet<()>,
}

impl<'a> Leader<'a> {
    async fn new(matchmaker: &'a Matchmaker, queue: &'a str, lease: Lease) -> Result<Self, StoreError> {
        let definition =
            matchmaker.store.queues.get(queue).await?.ok_or_else(|| StoreError::Corrupt {
                what: "queue",
                reason: format!("{queue} is not there any more"),
            })?;
        let mut leader = Self {
            matchmaker,
            queue,
            lease: Some(lease),
            pool: Pool::new(definition),
            cursor: 0,
            making: JoinSet::new(),
        };
        leader.read_all().await?;
        events::shard_led(queue, leader.pool.len());
        Ok(leader)
    }

    /// Ticks until the lease is lost, a store fails, or the process drains; says why it stopped.
    async fn lead(&mut self) -> String {
        let mut ticks = tokio::time::interval(self.matchmaker.settings.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewals = tokio::time::interval_at(Instant::now() + RENEW, RENEW);
        let mut proposals = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.matchmaker.drain.cancelled() => return "draining".to_owned(),
                _ = renewals.tick() => if let Err(reason) = self.renew().await {
                    return reason;
                },
                _ = ticks.tick() => if let Err(error) = self.tick(&mut proposals).await {
                    return error.to_string();
                },
            }
        }
    }

    /// Gives the lease back and waits for the matches that are being made.
    async fn resign(mut self) {
        if let Some(lease) = self.lease.take()
            && let Err(LeaseError::Store(error)) = self.matchmaker.store.leases.release(lease).await
        {
            tracing::warn!(
                queue = self.queue,
                error = &error as &dyn std::error::Error,
                "the lease could not be given back; it runs out"
            );
        }
        while self.making.join_next().await.is_some() {}
    }

    /// Renews the lease, and follows a new version of the queue.
    async fn renew(&mut self) -> Result<(), String> {
        if let Some(lease) = &mut self.lease
            && let Err(error) = self.matchmaker.store.leases.renew(lease).await
        {
            self.lease = None;
            return Err(error.to_string());
        }
        match self.matchmaker.store.queues.get(self.queue).await {
            Ok(Some(definition)) if definition.version != self.pool.definition().version => {
                self.pool = Pool::new(definition);
                self.read_all().await.map_err(|error| error.to_string())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn tick(&mut self, proposals: &mut Vec<Proposal>) -> Result<(), StoreError> {
        while self.making.try_join_next().is_some() {}
        self.read_changes().await?;
        let began = std::time::Instant::now();
        let now = muster_store::now();
        proposals.clear();
        self.pool.pass(now, proposals);
        events::pass_done(self.queue, began.elapsed(), self.pool.len(), proposals.len());
        for proposal in proposals.drain(..) {
            self.claim(proposal).await?;
        }
        self.expire(now).await
    }

    /// Claims all tickets of a proposal and lets the match be made, or puts those back that still wait.
    async fn claim(&mut self, proposal: Proposal) -> Result<(), StoreError> {
        let tickets: Vec<_> = proposal.tickets.iter().map(|ticket| ticket.ticket_id).collect();
        let match_id = muster_store::fresh_id();
        match self.matchmaker.store.tickets.claim(self.queue, &tickets, match_id, muster_store::now()).await? {
            Claim::Claimed(claimed) => {
                while self.making.len() >= MAKING {
                    self.making.join_next().await;
                }
                let queue = self.pool.definition().clone();
                self.making.spawn(make::make(self.matchmaker.clone(), queue, claimed, proposal));
            }
            Claim::Lost(lost) => {
                events::claim_lost(self.queue);
                for ticket in proposal.tickets.into_iter().filter(|ticket| !lost.contains(&ticket.ticket_id)) {
                    self.pool.insert(ticket);
                }
            }
        }
        Ok(())
    }

    /// Ends the wait of tickets that are past the queue's cap.
    async fn expire(&mut self, now: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
        for ticket in self.pool.expired(now) {
            self.pool.remove(ticket.ticket_id);
            if let Some(record) = self.matchmaker.store.tickets.expire(ticket.ticket_id, now).await? {
                let push = muster_core::wire::Push::TicketUpdated { ticket: record.view() };
                self.matchmaker.store.pushes.send(ticket.player_id, &push).await?;
            }
        }
        Ok(())
    }

    async fn read_all(&mut self) -> Result<(), StoreError> {
        let snapshot = self.matchmaker.store.tickets.snapshot(self.queue).await?;
        self.cursor = snapshot.cursor;
        self.pool.clear();
        for ticket in snapshot.tickets {
            self.pool.insert(ticket);
        }
        Ok(())
    }

    async fn read_changes(&mut self) -> Result<(), StoreError> {
        match self.matchmaker.store.tickets.changes(self.queue, self.cursor).await? {
            Changes::Since { items, cursor } => {
                self.cursor = cursor;
                for change in items {
                    match change {
                        TicketChange::Added(ticket) => {
                            self.pool.insert(ticket);
                        }
                        TicketChange::Removed(ticket) => {
                            self.pool.remove(ticket);
                        }
                    }
                }
                Ok(())
            }
            Changes::Gap => self.read_all().await,
        }
    }
}
