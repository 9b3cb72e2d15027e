//! A ticket as Redis has it, and as the rest of the platform does.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use muster_core::matchmaking::Ticket;
use muster_core::wire::{TicketState, TicketView};

use super::ClaimedTicket;
use crate::{Result, StoreError, codec};

/// A ticket and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRecord {
    /// The ticket, as the pool has it.
    pub ticket: Ticket,
    /// The queue it was made for.
    pub queue: String,
    /// What its player sees: a claimed ticket still waits until its match stands.
    pub state: TicketState,
    /// Only when matched.
    pub match_id: Option<MatchId>,
    /// When it was matched, cancelled, or found expired.
    pub ended_at: Option<DateTime<Utc>>,
}

impl TicketRecord {
    /// The ticket as its player sees it.
    pub fn view(&self) -> TicketView {
        TicketView {
            ticket_id: self.ticket.ticket_id,
            queue: self.queue.clone(),
            state: self.state,
            created_at: self.ticket.enqueued_at,
            match_id: self.match_id,
        }
    }
}

pub(super) fn to_json(ticket: &Ticket) -> String {
    codec::to_json_text(ticket)
}

pub(super) fn from_json(text: &str) -> Result<Ticket> {
    codec::from_json("a ticket", text.as_bytes())
}

/// The fields of a ticket's hash; empty when there is none.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<String, String>);

impl redis::FromRedisValue for Fields {
    fn from_redis_value(value: redis::Value) -> std::result::Result<Self, redis::ParsingError> {
        HashMap::from_redis_value(value).map(Self)
    }
}

impl Fields {
    pub fn record(&self) -> Result<Option<TicketRecord>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let state = match self.field("state")? {
            "waiting" | "claimed" => TicketState::Waiting,
            "matched" => TicketState::Matched,
            "cancelled" => TicketState::Cancelled,
            "expired" => TicketState::Expired,
            other => return Err(StoreError::corrupt("a ticket", format!("state `{other}`"))),
        };
        let match_id = match state {
            TicketState::Matched => Some(self.match_id()?),
            _ => None,
        };
        let ended_at = self.0.contains_key("ended_at").then(|| self.time("ended_at")).transpose()?;
        Ok(Some(TicketRecord {
            ticket: self.ticket()?,
            queue: self.field("queue")?.to_owned(),
            state,
            match_id,
            ended_at,
        }))
    }

    /// The record of a ticket that has just been written.
    pub fn expect_record(&self) -> Result<TicketRecord> {
        self.record()?.ok_or_else(|| StoreError::corrupt("a ticket", "it has no fields"))
    }

    /// None when the ticket is not claimed.
    pub fn claimed(&self) -> Result<Option<ClaimedTicket>> {
        if self.0.get("state").is_none_or(|state| state != "claimed") {
            return Ok(None);
        }
        Ok(Some(ClaimedTicket {
            ticket: self.ticket()?,
            queue: self.field("queue")?.to_owned(),
            match_id: self.match_id()?,
            claimed_at: self.time("claimed_at")?,
        }))
    }

    fn ticket(&self) -> Result<Ticket> {
        from_json(self.field("ticket")?)
    }

    fn match_id(&self) -> Result<MatchId> {
        codec::parse("a ticket's match", self.field("match")?)
    }

    fn time(&self, name: &str) -> Result<DateTime<Utc>> {
        let millis = codec::parse::<i64>("a ticket's time", self.field(name)?)?;
        DateTime::from_timestamp_millis(millis).ok_or_else(|| StoreError::corrupt("a ticket's time", millis))
    }

    fn field(&self, name: &str) -> Result<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| StoreError::corrupt("a ticket", format!("no field `{name}`")))
    }
}
