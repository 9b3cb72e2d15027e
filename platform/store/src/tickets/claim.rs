//! The claim: all tickets of a proposal, or none.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, TicketId};
use muster_core::matchmaking::Ticket;
use redis::{AsyncCommands, FromRedisValue, Script, Value};

use super::record::Fields;
use super::{CHANGES_KEPT, Tickets};
use crate::{Result, StoreError, codec};

/// A ticket that is being made into a match. Only the claim makes one, so what takes one cannot be given a ticket that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTicket {
    pub(super) ticket: Ticket,
    pub(super) queue: String,
    pub(super) match_id: MatchId,
    pub(super) claimed_at: DateTime<Utc>,
}

impl ClaimedTicket {
    /// The ticket, as the pool had it.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// The queue it waited in.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The match it is claimed for.
    pub fn match_id(&self) -> MatchId {
        self.match_id
    }

    /// When it was claimed.
    pub fn claimed_at(&self) -> DateTime<Utc> {
        self.claimed_at
    }
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// All of them, in the order asked for.
    Claimed(Vec<ClaimedTicket>),
    /// None, because these do not wait in this queue (any more).
    Lost(Vec<TicketId>),
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));

impl Tickets {
    /// Claims all of `tickets` for a match, or none of them.
    pub async fn claim(
        &self,
        queue: &str,
        tickets: &[TicketId],
        match_id: MatchId,
        now: DateTime<Utc>,
    ) -> Result<Claim> {
        let mut call = SCRIPT.prepare_invoke();
        call.key(self.keys.claimed())
            .key(self.keys.pool(queue))
            .key(self.keys.revision(queue))
            .key(self.keys.changes(queue))
            .arg(match_id.to_string())
            .arg(now.timestamp_millis())
            .arg(queue)
            .arg(CHANGES_KEPT);
        for ticket in tickets {
            call.key(self.keys.ticket(*ticket)).arg(ticket.to_string());
        }
        let mut answer: Vec<Value> = call.invoke_async(&mut self.redis.clone()).await?;
        if answer.is_empty() {
            return Err(StoreError::corrupt("the answer of claim.lua", "it is empty"));
        }
        let rest = answer.split_off(1);
        match answer.pop().map(String::from_redis_value) {
            Some(Ok(outcome)) if outcome == "claimed" => Ok(Claim::Claimed(claimed(rest)?)),
            Some(Ok(outcome)) if outcome == "lost" => Ok(Claim::Lost(lost(rest)?)),
            other => Err(StoreError::corrupt("the answer of claim.lua", format!("{other:?}"))),
        }
    }

    /// What was claimed before a moment and neither settled nor released since: the work of a matchmaker that died half way.
    pub async fn stale_claims(&self, claimed_before: DateTime<Utc>) -> Result<Vec<ClaimedTicket>> {
        let before = format!("({}", claimed_before.timestamp_millis());
        let tickets: Vec<String> = self.redis.clone().zrangebyscore(self.keys.claimed(), "-inf", before).await?;
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for ticket in &tickets {
            reads.hgetall(self.keys.ticket(codec::parse("a claimed ticket", ticket)?));
        }
        let found: Vec<Fields> = reads.query_async(&mut self.redis.clone()).await?;
        found.iter().filter_map(|fields| fields.claimed().transpose()).collect()
    }
}

fn claimed(answer: Vec<Value>) -> Result<Vec<ClaimedTicket>> {
    answer
        .into_iter()
        .map(|fields| {
            let fields = Fields::from_redis_value(fields).map_err(redis::RedisError::from)?;
            fields
                .claimed()?
                .ok_or_else(|| StoreError::corrupt("the answer of claim.lua", "a ticket that is not claimed"))
        })
        .collect()
}

fn lost(answer: Vec<Value>) -> Result<Vec<TicketId>> {
    let ids: Vec<Vec<String>> = answer
        .into_iter()
        .map(|ids| Vec::from_redis_value(ids).map_err(redis::RedisError::from))
        .collect::<std::result::Result<_, _>>()?;
    ids.iter().flatten().map(|id| codec::parse("a ticket's id", id)).collect()
}
