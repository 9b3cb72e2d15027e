//! The end of a ticket that found no match: it was given up, waited too long, or had to go.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, TicketId};

use super::record::Fields;
use super::{TicketRecord, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError};

/// Who gives a ticket up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelledBy {
    /// One of its players, for all of them.
    Player(PlayerId),
    /// The trusted server that made it.
    Server,
}

/// What became of the wish to take a ticket back.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// It is cancelled.
    Cancelled(TicketRecord),
    /// Its match was proposed to it, and is declined now: it fails as soon as the proposal is decided.
    Declined(TicketRecord),
    /// A match is being made of it, or it was over already.
    TooLate(TicketRecord),
    /// This player has no such ticket.
    NotFound,
}

/// Why the platform ends a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// It has waited as long as its queue allows: it expires.
    MaxWait,
    /// It does not fit its queue's new version: it fails.
    QueueChanged,
    /// It could play only in regions that are closed: it fails.
    RegionClosed,
    /// Nobody leads its part of the queue any more: it fails.
    ShardGone,
    /// A player of it was banned: it fails.
    Banned,
}

impl EndReason {
    /// The reason's stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxWait => "max_wait",
            Self::QueueChanged => "queue_changed",
            Self::RegionClosed => "region_closed",
            Self::ShardGone => "shard_gone",
            Self::Banned => "banned",
        }
    }

    /// The state of a ticket that ends so.
    const fn state(self) -> &'static str {
        match self {
            Self::MaxWait => "expired",
            Self::QueueChanged | Self::RegionClosed | Self::ShardGone | Self::Banned => "failed",
        }
    }
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("vote.lua"), include_str!("finish.lua")]));

impl Tickets {
    /// Takes a ticket back: a waiting one is cancelled; one to which a match is proposed declines it.
    pub async fn cancel(&self, ticket: TicketId, by: CancelledBy, now: DateTime<Utc>) -> Result<Cancellation> {
        let (player, reason) = match by {
            CancelledBy::Player(player) => (player.to_string(), "player"),
            CancelledBy::Server => (String::new(), "server"),
        };
        let mut call = SCRIPT.call(self.keys.prefix());
        call.arg(ticket.to_string()).arg(player).arg("cancelled").arg(reason).arg(now.timestamp_millis()).arg(1);
        let mut answer: Answer = call.invoke_async(&mut self.redis.clone()).await?;
        match answer.outcome.as_str() {
            "finished" => Ok(Cancellation::Cancelled(answer.take::<Fields>()?.record()?)),
            "declined" => Ok(Cancellation::Declined(answer.take::<Fields>()?.record()?)),
            "late" => Ok(Cancellation::TooLate(answer.take::<Fields>()?.record()?)),
            "unknown" => Ok(Cancellation::NotFound),
            other => Err(StoreError::corrupt("the answer of finish.lua", other)),
        }
    }

    /// Ends a waiting ticket. None when it is not waiting (any more).
    pub async fn end(&self, ticket: TicketId, reason: EndReason, now: DateTime<Utc>) -> Result<Option<TicketRecord>> {
        Ok(self.end_many(&[ticket], reason, now).await?.pop())
    }

    /// Ends waiting tickets, in one round trip. Returns those that were ended; the others are not waiting (any more).
    pub async fn end_many(
        &self,
        tickets: &[TicketId],
        reason: EndReason,
        now: DateTime<Utc>,
    ) -> Result<Vec<TicketRecord>> {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = SCRIPT.batch(tickets.len());
        for ticket in tickets {
            batch
                .call(self.keys.prefix())
                .arg(ticket.to_string())
                .arg("")
                .arg(reason.state())
                .arg(reason.as_str())
                .arg(now.timestamp_millis())
                .arg(0);
        }
        let answers: Vec<Answer> = batch.run(&self.redis).await?;
        let ended = answers.into_iter().filter(|answer| answer.outcome == "finished");
        ended.map(|mut answer| answer.take::<Fields>()?.record()).collect()
    }
}
