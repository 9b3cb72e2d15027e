//! Proposals, until they are decided: all have accepted, or not.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, TicketId};
use redis::AsyncCommands;

use super::claim::tickets_of;
use super::record::{Fields, Proposal};
use super::{ClaimedTicket, READ, Shard, TicketRecord, Tickets, script};
use crate::script::Script;
use crate::{Result, codec};

/// A match whose players are asked whether they accept.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenProposal {
    /// The match.
    pub match_id: MatchId,
    /// Until when to answer.
    pub accept_by: DateTime<Utc>,
    /// What its leader remembered.
    pub plan: String,
    /// Its tickets, in the order they were proposed in.
    pub tickets: Vec<TicketRecord>,
    /// Who said yes, by id.
    pub accepted: Vec<PlayerId>,
    /// Who said no, by id.
    pub declined: Vec<PlayerId>,
}

impl OpenProposal {
    /// Whether all players have accepted: `confirm` it.
    pub fn is_accepted(&self) -> bool {
        self.accepted.len() == self.tickets.iter().map(|record| record.ticket.members.len()).sum::<usize>()
    }

    /// Whether it comes to nothing: `dissolve` it.
    pub fn has_failed(&self, now: DateTime<Utc>) -> bool {
        !self.declined.is_empty() || (now > self.accept_by && !self.is_accepted())
    }
}

/// The most proposals of one look.
const AT_ONCE: isize = 1_000;

static CONFIRM: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("confirm.lua")]));
static DISSOLVE: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("dissolve.lua")]));

impl Tickets {
    /// All proposals of a shard that are not decided; the most urgent first, 1,000 at most. Cheap when there are none.
    pub async fn open_proposals(&self, shard: &Shard) -> Result<Vec<OpenProposal>> {
        self.proposals(shard, "+inf".to_owned()).await
    }

    /// The proposals of a shard that can be decided now: everybody has accepted, somebody has declined, or the time is over.
    /// 1,000 at most. Cheap when there are none, however many are open.
    pub async fn due_proposals(&self, shard: &Shard, now: DateTime<Utc>) -> Result<Vec<OpenProposal>> {
        self.proposals(shard, format!("({}", now.timestamp_millis())).await
    }

    async fn proposals(&self, shard: &Shard, until: String) -> Result<Vec<OpenProposal>> {
        let mut redis = self.redis.clone();
        let open: Vec<String> =
            redis.zrangebyscore_limit(self.keys.proposals(shard), "-inf", until, 0, AT_ONCE).await?;
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let open: Vec<MatchId> = open.iter().map(|id| codec::parse("a proposal", id)).collect::<Result<_>>()?;
        let mut reads = redis::pipe();
        for match_id in &open {
            reads.hgetall(self.keys.proposal(*match_id)).get(self.keys.plan(*match_id));
        }
        // One that another leader decides meanwhile has no fields any more.
        let found: Vec<(HashMap<String, String>, Option<String>)> = reads.query_async(&mut redis).await?;
        let found: Vec<_> = open.into_iter().zip(found).filter(|(_, (fields, _))| !fields.is_empty()).collect();

        let tickets: Vec<Vec<TicketId>> =
            found.iter().map(|(_, (fields, _))| Proposal(fields).tickets()).collect::<Result<_>>()?;
        let mut reads = READ.batch(tickets.iter().map(Vec::len).sum());
        for ticket in tickets.iter().flatten() {
            reads.call(self.keys.prefix()).arg("ticket").arg(ticket.to_string());
        }
        let mut records = reads.run::<Option<Fields>>(&self.redis).await?.into_iter();
        let proposals = found.iter().zip(&tickets).map(|((match_id, (fields, plan)), tickets)| {
            let records = records.by_ref().take(tickets.len()).flatten().map(|fields| fields.record());
            let tickets = records.collect::<Result<_>>()?;
            let proposal = Proposal(fields);
            let record = proposal.record(*match_id)?;
            Ok(OpenProposal {
                match_id: *match_id,
                accept_by: record.accept_by,
                plan: plan.clone().unwrap_or_default(),
                tickets,
                accepted: record.accepted,
                declined: proposal.who("declined"),
            })
        });
        proposals.collect()
    }

    /// Makes a proposal that all have accepted a claim: its tickets, in the order they were proposed in. None when not all have
    /// accepted, or it was decided already.
    pub async fn confirm(
        &self,
        shard: &Shard,
        match_id: MatchId,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<ClaimedTicket>>> {
        let mut call = CONFIRM.call(self.keys.prefix());
        call.arg(match_id.to_string()).arg(shard.to_string()).arg(now.timestamp_millis());
        let found: Option<Vec<String>> = call.invoke_async(&mut self.redis.clone()).await?;
        let Some(found) = found else { return Ok(None) };
        let claimed = tickets_of(&found)?.into_iter().map(|(ticket, names)| ClaimedTicket {
            ticket,
            shard: shard.clone(),
            names,
            match_id,
            claimed_at: now,
        });
        Ok(Some(claimed.collect()))
    }

    /// Ends a proposal that not all have accepted. Tickets of players who declined, or did not answer in time, fail (`declined`,
    /// `not_accepted`), a party as one; the rest wait again, before others, as long as they had waited. Returns all of them as
    /// they are now, in the order they were proposed in; none when it was decided already.
    pub async fn dissolve(&self, shard: &Shard, match_id: MatchId, now: DateTime<Utc>) -> Result<Vec<TicketRecord>> {
        let mut call = DISSOLVE.call(self.keys.prefix());
        call.arg(match_id.to_string()).arg(shard.to_string()).arg(now.timestamp_millis());
        let found: Vec<Fields> = call.invoke_async(&mut self.redis.clone()).await?;
        found.iter().map(Fields::record).collect()
    }
}
