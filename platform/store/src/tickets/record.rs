//! A ticket as Redis has it, and as the rest of the platform does.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, TicketId};
use muster_core::matchmaking::Ticket;
use muster_core::wire::{ProposalView, TicketState, TicketView};
use redis::{FromRedisValue, ParsingError, Value};

use super::{ClaimedTicket, Shard};
use crate::{Result, StoreError, codec};

/// A ticket and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRecord {
    /// The ticket, as the pool has it.
    pub ticket: Ticket,
    /// Where it waits, or waited.
    pub shard: Shard,
    /// What its players were called when it was made, in the order of its members.
    pub names: Vec<String>,
    /// What its players see: a claimed ticket still waits (or is accepted) until its match stands, and a proposed one is
    /// accepted when all its own players have said yes.
    pub state: TicketState,
    /// Why it is over, when it is not matched: `player` or `server` gave it up, or what [`EndReason`](super::EndReason) says, or
    /// `declined`, or `not_accepted`.
    pub reason: Option<String>,
    /// Only when matched.
    pub match_id: Option<MatchId>,
    /// While its players are asked whether they accept.
    pub proposal: Option<ProposalRecord>,
    /// How long tickets have waited in its shard lately, in milliseconds. Only while it waits.
    pub estimated_wait_ms: Option<u64>,
    /// When it was matched, given up, found expired, or failed.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A match that waits for its players' yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRecord {
    /// The match it becomes.
    pub match_id: MatchId,
    /// Until when to answer.
    pub accept_by: DateTime<Utc>,
    /// Who has accepted, of all its tickets; by id.
    pub accepted: Vec<PlayerId>,
    /// How many players are asked.
    pub players: u32,
}

impl TicketRecord {
    /// The ticket as its players see it.
    pub fn view(&self) -> TicketView {
        TicketView {
            ticket_id: self.ticket.ticket_id,
            queue: self.shard.queue.clone(),
            state: self.state,
            reason: self.reason.clone(),
            created_at: self.ticket.enqueued_at,
            players: self.ticket.players().collect(),
            estimated_wait_ms: self.estimated_wait_ms,
            proposal: self.proposal.as_ref().map(|proposal| ProposalView {
                match_id: proposal.match_id,
                accept_by: proposal.accept_by,
                accepted: u32::try_from(proposal.accepted.len()).unwrap_or(u32::MAX),
                players: proposal.players,
            }),
            match_id: self.match_id,
        }
    }

    /// A ticket that waits.
    pub(super) fn waiting(ticket: Ticket, shard: Shard, names: Vec<String>) -> Self {
        Self {
            ticket,
            shard,
            names,
            state: TicketState::Waiting,
            reason: None,
            match_id: None,
            proposal: None,
            estimated_wait_ms: None,
            ended_at: None,
        }
    }
}

pub(super) fn to_json(ticket: &Ticket) -> String {
    codec::to_json_text(ticket)
}

pub(super) fn many_from_json(text: &str) -> Result<Vec<Ticket>> {
    codec::from_json("tickets", text.as_bytes())
}

pub(super) fn from_json(text: &str) -> Result<Ticket> {
    codec::from_json("a ticket", text.as_bytes())
}

pub(super) fn names_from_json(text: &str) -> Result<Vec<String>> {
    codec::from_json("a ticket's names", text.as_bytes())
}

pub(super) fn time(millis: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| StoreError::corrupt("a ticket's time", millis))
}

/// What `read` in common.lua answers: a ticket's hash, its proposal's, and its shard's estimate.
#[derive(Debug)]
pub(super) struct Fields {
    ticket: HashMap<String, String>,
    proposal: HashMap<String, String>,
    estimate: Option<u64>,
}

impl FromRedisValue for Fields {
    fn from_redis_value(value: Value) -> std::result::Result<Self, ParsingError> {
        let (ticket, proposal, estimate) = FromRedisValue::from_redis_value(value)?;
        Ok(Self { ticket, proposal, estimate })
    }
}

impl Fields {
    pub fn record(&self) -> Result<TicketRecord> {
        let ticket = from_json(self.field("ticket")?)?;
        let proposal = match self.proposal.is_empty() {
            true => None,
            false => Some(Proposal(&self.proposal).record(self.match_id()?)?),
        };
        let accepted = |proposal: &ProposalRecord| ticket.players().all(|player| proposal.accepted.contains(&player));
        let state = match self.field("state")? {
            "claimed" if self.ticket.contains_key("accepted") => TicketState::Accepted,
            "waiting" | "claimed" => TicketState::Waiting,
            "proposed" if proposal.as_ref().is_some_and(accepted) => TicketState::Accepted,
            "proposed" => TicketState::Proposed,
            "matched" => TicketState::Matched,
            "cancelled" => TicketState::Cancelled,
            "expired" => TicketState::Expired,
            "failed" => TicketState::Failed,
            other => return Err(StoreError::corrupt("a ticket", format!("state `{other}`"))),
        };
        let match_id = match state {
            TicketState::Matched => Some(self.match_id()?),
            _ => None,
        };
        Ok(TicketRecord {
            shard: self.shard()?,
            names: self.names()?,
            state,
            reason: self.ticket.get("reason").cloned(),
            match_id,
            proposal,
            estimated_wait_ms: self.estimate,
            ended_at: self.ticket.contains_key("ended_at").then(|| self.time("ended_at")).transpose()?,
            ticket,
        })
    }

    /// None when the ticket is not claimed.
    pub fn claimed(&self) -> Result<Option<ClaimedTicket>> {
        if self.field("state")? != "claimed" {
            return Ok(None);
        }
        Ok(Some(ClaimedTicket {
            ticket: from_json(self.field("ticket")?)?,
            shard: self.shard()?,
            names: self.names()?,
            match_id: self.match_id()?,
            claimed_at: self.time("claimed_at")?,
        }))
    }

    fn shard(&self) -> Result<Shard> {
        codec::parse("a ticket's shard", self.field("shard")?)
    }

    fn names(&self) -> Result<Vec<String>> {
        names_from_json(self.field("names")?)
    }

    fn match_id(&self) -> Result<MatchId> {
        codec::parse("a ticket's match", self.field("match")?)
    }

    fn time(&self, name: &str) -> Result<DateTime<Utc>> {
        time(codec::parse::<i64>("a ticket's time", self.field(name)?)?)
    }

    fn field(&self, name: &str) -> Result<&str> {
        field("a ticket", &self.ticket, name)
    }
}

/// A proposal's hash.
pub(super) struct Proposal<'a>(pub &'a HashMap<String, String>);

impl Proposal<'_> {
    pub fn record(&self, match_id: MatchId) -> Result<ProposalRecord> {
        Ok(ProposalRecord {
            match_id,
            accept_by: time(self.number("accept_by")?)?,
            accepted: self.who("accepted"),
            players: self.number("players")?,
        })
    }

    /// Who gave this answer, by id.
    pub fn who(&self, answer: &str) -> Vec<PlayerId> {
        let mut players = Vec::new();
        for (name, value) in self.0 {
            // Only players' ids are ids: the proposal's own fields are words.
            if value == answer
                && let Ok(player) = name.parse()
            {
                players.push(player);
            }
        }
        players.sort();
        players
    }

    pub fn number<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T> {
        codec::parse("a proposal's number", self.field(name)?)
    }

    pub fn tickets(&self) -> Result<Vec<TicketId>> {
        let ids = self.field("tickets")?.split(' ');
        ids.map(|id| codec::parse("a proposal's ticket", id)).collect()
    }

    fn field(&self, name: &str) -> Result<&str> {
        field("a proposal", self.0, name)
    }
}

fn field<'a>(what: &'static str, fields: &'a HashMap<String, String>, name: &str) -> Result<&'a str> {
    fields.get(name).map(String::as_str).ok_or_else(|| StoreError::corrupt(what, format!("no field `{name}`")))
}
