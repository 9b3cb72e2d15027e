//! Queues whose matches are played on somebody's own servers: a claimed match waits until the director has given it to a registered
//! server, or a trusted one says by hand where it is played. When it is refused, or nobody answers in time, everybody returns to the
//! head of the queue.
//!
//! The answers are looked for beside the ticks, which shall not wait for PostgreSQL.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::id::{MatchId, PlayerId, TicketId};
use muster_core::matchmaking::{Backfill, QueueDefinition};
use muster_core::wire::{AssignedPlayer, Push, TeamPlayer};
use muster_store::{Assignment, AssignmentState, ClaimedTicket, NewAssignment, Shard, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::ANYWHERE;
use super::ledger::Waits;
use crate::auth::Join;
use crate::director::Director;
use crate::events::{self, AssignmentEnd};
use crate::matchmaker::begin::Claimed;
use crate::matchmaker::facts::{MatchedEnd, TicketEnd};
use crate::matchmaker::{Matchmaker, tell};

/// How often answers are looked for where nobody is known to wait for one: another leader may have asked.
const IDLE: Duration = Duration::from_secs(1);

/// The clerk who looks for the answers of servers.
pub(super) struct Assignments {
    opened: Arc<Notify>,
    definitions: watch::Sender<Arc<QueueDefinition>>,
    clerk: JoinHandle<()>,
}

impl Assignments {
    pub(super) fn begin(
        matchmaker: Arc<Matchmaker>,
        shard: Shard,
        definition: Arc<QueueDefinition>,
        waits: Waits,
    ) -> Self {
        let opened = Arc::new(Notify::new());
        let (definitions, receiver) = watch::channel(definition);
        let office = Office { matchmaker, shard, definitions: receiver, waits };
        let clerk = tokio::spawn(office.work(opened.clone()));
        Self { opened, definitions, clerk }
    }

    pub(super) fn follow(&self, definition: Arc<QueueDefinition>) {
        self.definitions.send_replace(definition);
    }

    /// Wakes the clerk: there is something to wait for.
    pub(super) fn opened(&self) -> Arc<Notify> {
        self.opened.clone()
    }
}

impl Drop for Assignments {
    fn drop(&mut self) {
        // What it leaves half done, the next leader finds decided and not closed.
        self.clerk.abort();
    }
}

/// Lets claimed matches wait for a server. What cannot be asked for is given back by recovery of its claims.
pub(super) async fn open(matchmaker: &Matchmaker, shard: &Shard, claimed: Vec<Claimed>) {
    let created_at = muster_store::now();
    let expires_at = created_at + matchmaker.settings.assignment_timeout;
    let new: Vec<NewAssignment> = claimed
        .iter()
        .map(|Claimed { plan, .. }| NewAssignment {
            match_id: plan.match_id,
            shard: shard.clone(),
            region: plan.region.clone(),
            teams: plan
                .teams()
                .into_iter()
                .map(|team| {
                    let assigned = team.into_iter().map(|place| AssignedPlayer {
                        player_id: place.player_id,
                        ticket_id: place.ticket_id,
                        role: place.role.clone(),
                    });
                    assigned.collect()
                })
                .collect(),
            quality: plan.quality,
            created_at,
            expires_at,
            backfill_of: plan.backfill.as_ref().map(|wish| wish.match_id),
        })
        .collect();
    let joins: Vec<(MatchId, Vec<Vec<PlayerId>>)> = claimed
        .iter()
        .filter_map(|Claimed { plan, .. }| plan.backfill.as_ref().map(|wish| (plan.match_id, present(wish))))
        .collect();
    let tickets: Vec<ClaimedTicket> = claimed.into_iter().flat_map(|claimed| claimed.tickets).collect();
    let opened = async {
        matchmaker.store.recents.keep_present(&joins, expires_at).await?;
        matchmaker.store.assignments.open_many(&new).await?;
        matchmaker.store.tickets.keep_claims(&tickets, expires_at).await
    };
    if let Err(error) = opened.await {
        tracing::warn!(
            queue = shard.queue,
            matches = new.len(),
            error = &error as &dyn std::error::Error,
            "matches could not be offered to servers; recovery of their claims looks"
        );
    }
}

/// Who is in a running match, team by team.
fn present(wish: &Backfill) -> Vec<Vec<PlayerId>> {
    wish.teams.iter().map(|team| team.players.iter().map(|player| player.player_id).collect()).collect()
}

/// Where the clerk works.
struct Office {
    matchmaker: Arc<Matchmaker>,
    shard: Shard,
    definitions: watch::Receiver<Arc<QueueDefinition>>,
    waits: Waits,
}

impl Office {
    async fn work(self, opened: Arc<Notify>) {
        loop {
            let waiting = match self.look().await {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::warn!(
                        queue = self.shard.queue,
                        error = &error as &dyn std::error::Error,
                        "the answers of servers could not be looked for; trying again"
                    );
                    false
                }
            };
            if waiting {
                sleep(self.matchmaker.settings.tick).await;
            } else {
                tokio::select! {
                    () = opened.notified() => {}
                    () = sleep(IDLE) => {}
                }
            }
        }
    }

    /// Does what the answers ask for. Says whether more are waited for.
    async fn look(&self) -> Result<bool, StoreError> {
        let store = &self.matchmaker.store;
        let now = muster_store::now();
        let definition = self.definitions.borrow().clone();
        self.matchmaker.director.allocate(&self.shard, &definition).await?;
        store.assignments.overdue(&self.shard, now).await?;
        let decided = store.assignments.decided(&self.shard).await?;
        if decided.is_empty() {
            return Ok(!store.assignments.list(Some(&self.shard.queue), 1, now).await?.is_empty());
        }
        let ids: Vec<TicketId> = decided.iter().flat_map(tickets_of).collect();
        let mut claims: HashMap<MatchId, Vec<ClaimedTicket>> = HashMap::new();
        for claim in store.tickets.claims_of(&ids).await? {
            claims.entry(claim.match_id()).or_default().push(claim);
        }
        let mut closed = Vec::with_capacity(decided.len());
        for assignment in decided {
            // None: they were settled or released by whoever did not get to close it.
            let claimed = claims.remove(&assignment.new.match_id).unwrap_or_default();
            if !claimed.is_empty() {
                self.carry_out(&assignment, &claimed, &definition).await?;
            }
            closed.push(assignment.new.match_id);
        }
        store.assignments.close(&closed, muster_store::now()).await?;
        Ok(true)
    }

    async fn carry_out(
        &self,
        assignment: &Assignment,
        claimed: &[ClaimedTicket],
        definition: &QueueDefinition,
    ) -> Result<(), StoreError> {
        let new = &assignment.new;
        let (end, reason) = match &assignment.state {
            AssignmentState::Open => return Ok(()),
            AssignmentState::Assigned { connection } => {
                self.stands(assignment, connection, claimed, definition).await?;
                (AssignmentEnd::Assigned, "")
            }
            AssignmentState::Refused { reason } => (AssignmentEnd::Refused, reason.as_str()),
            AssignmentState::Expired => (AssignmentEnd::Overdue, "no server answered in time"),
        };
        if end != AssignmentEnd::Assigned {
            let released = self.matchmaker.store.tickets.release(claimed).await?;
            tell(&self.matchmaker, &released).await;
        }
        events::assignment_ended(new.match_id, &new.shard, end, reason);
        Ok(())
    }

    /// The match has its server: tells the players, keeps who has met whom, leaves the facts, then ends their tickets. In this order:
    /// who is told twice has lost nothing, nor is a fact two, and who is free may queue again.
    async fn stands(
        &self,
        assignment: &Assignment,
        connection: &str,
        claimed: &[ClaimedTicket],
        definition: &QueueDefinition,
    ) -> Result<(), StoreError> {
        let new = &assignment.new;
        let store = &self.matchmaker.store;
        let at = assignment.decided_at.unwrap_or_else(muster_store::now);
        let region = new.region.as_deref().unwrap_or(ANYWHERE);
        store.pushes.send_many(&news(&self.matchmaker.director, assignment, connection)).await?;
        let mut teams: Vec<Vec<PlayerId>> =
            new.teams.iter().map(|team| team.iter().map(|player| player.player_id).collect()).collect();
        match new.backfill_of {
            None => store.recents.met(&teams, at).await?,
            Some(_) => {
                // Teams after the last that newcomers join are there too.
                teams.resize(teams.len().max(definition.teams.count.into()), Vec::new());
                store.recents.joined(new.match_id, &teams, at).await?;
            }
        }
        for claimed in claimed {
            let end = TicketEnd {
                ticket: claimed.ticket(),
                shard: claimed.shard(),
                outcome: "matched",
                reason: None,
                matched: Some(MatchedEnd { match_id: new.match_id, quality: new.quality }),
                mode: definition.mode,
                region,
                queue_version: definition.version,
                at,
            };
            end.tell(&self.matchmaker.telemetry);
        }
        store.tickets.settle(claimed, at).await?;
        events::match_started(new.match_id, definition, region, new.quality);
        for ticket in claimed.iter().map(ClaimedTicket::ticket) {
            self.waits.add(ticket.waited(at));
            events::ticket_matched(&new.shard.queue, region, ticket.members.len(), ticket.waited(at));
        }
        Ok(())
    }
}

fn tickets_of(assignment: &Assignment) -> impl Iterator<Item = TicketId> + '_ {
    let mut ids: Vec<_> = assignment.new.teams.iter().flatten().map(|player| player.ticket_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
}

fn news(director: &Director, assignment: &Assignment, connection: &str) -> Vec<(PlayerId, Push)> {
    let new = &assignment.new;
    let teams: Vec<Vec<TeamPlayer>> = new
        .teams
        .iter()
        .map(|team| {
            team.iter().map(|player| TeamPlayer { player_id: player.player_id, role: player.role.clone() }).collect()
        })
        .collect();
    let players = (0_u8..).zip(&new.teams).flat_map(|(team, players)| players.iter().map(move |player| (team, player)));
    let news = players.map(|(team, player)| {
        let match_id = new.backfill_of.unwrap_or(new.match_id);
        let join = |server| Join {
            player: player.player_id,
            match_id,
            server,
            queue: &new.shard.queue,
            team,
            role: player.role.as_deref(),
        };
        let push = Push::MatchAssigned {
            match_id,
            queue: new.shard.queue.clone(),
            team,
            role: player.role.clone(),
            region: new.region.clone(),
            connection: connection.to_owned(),
            teams: teams.clone(),
            server_id: assignment.server,
            join_token: assignment.server.and_then(|server| director.token(join(server))),
        };
        (player.player_id, push)
    });
    news.collect()
}
