//! A player's answer to a proposal.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, TicketId};

use super::record::Fields;
use super::{TicketRecord, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError};

/// What became of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// It counts, now or already before; this is the ticket with it.
    Recorded(TicketRecord),
    /// Nobody asks (any more), or the player has declined before; this is the ticket as it is.
    NotProposed(TicketRecord),
    /// This player has no such ticket.
    NotFound,
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("vote.lua"), include_str!("answer.lua")]));

impl Tickets {
    /// Accepts or declines the match that is proposed to a player's ticket. May be repeated. A yes may become a no until all
    /// have accepted; a no stands.
    pub async fn answer(
        &self,
        ticket: TicketId,
        player: PlayerId,
        accept: bool,
        now: DateTime<Utc>,
    ) -> Result<Answered> {
        self.answer_of(ticket, player.to_string(), accept, now).await
    }

    /// The same for all of the ticket's players at once, as the trusted server that made it may: nobody can decide the match
    /// between the first and the last of them. Not proposed (any more) when one of them has declined and this is a yes.
    pub async fn answer_for_all(&self, ticket: TicketId, accept: bool, now: DateTime<Utc>) -> Result<Answered> {
        self.answer_of(ticket, String::new(), accept, now).await
    }

    async fn answer_of(&self, ticket: TicketId, who: String, accept: bool, now: DateTime<Utc>) -> Result<Answered> {
        let mut call = SCRIPT.call(self.keys.prefix());
        call.arg(ticket.to_string())
            .arg(who)
            .arg(if accept { "accepted" } else { "declined" })
            .arg(now.timestamp_millis());
        let mut answer: Answer = call.invoke_async(&mut self.redis.clone()).await?;
        match answer.outcome.as_str() {
            "recorded" => Ok(Answered::Recorded(answer.take::<Fields>()?.record()?)),
            "late" => Ok(Answered::NotProposed(answer.take::<Fields>()?.record()?)),
            "unknown" => Ok(Answered::NotFound),
            other => Err(StoreError::corrupt("the answer of answer.lua", other)),
        }
    }
}
