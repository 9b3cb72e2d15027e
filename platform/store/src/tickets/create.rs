//! A new ticket.

use std::sync::LazyLock;

use muster_core::matchmaking::Ticket;
use redis::Script;

use super::record::{self, Fields};
use super::{CHANGES_KEPT, KEY_SECS, TicketRecord, Tickets};
use crate::{Result, StoreError};

/// A ticket to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// The ticket; `enqueued_at` is when it began to wait.
    pub ticket: Ticket,
    /// The queue to wait in.
    pub queue: String,
    /// Makes a repeated call harmless: for 24 h, the same player and key give the same ticket.
    pub idempotency_key: Option<String>,
}

/// What became of the wish for a new ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    /// It waits.
    Created(TicketRecord),
    /// The idempotency key has been used: this is the ticket it made, whatever became of it since.
    Repeated(TicketRecord),
    /// The player has a live ticket already: this one.
    Exists(TicketRecord),
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("create.lua")));

impl Tickets {
    /// Makes a ticket, unless its player has a live one.
    pub async fn create(&self, new: &NewTicket) -> Result<Creation> {
        let NewTicket { ticket, queue, idempotency_key } = new;
        let key = idempotency_key.as_deref().unwrap_or_default();
        let (outcome, fields): (String, Option<Fields>) = SCRIPT
            .key(self.keys.player(ticket.player_id))
            .key(self.keys.idempotency(ticket.player_id, key))
            .key(self.keys.ticket(ticket.ticket_id))
            .key(self.keys.pool(queue))
            .key(self.keys.revision(queue))
            .key(self.keys.changes(queue))
            .key(self.keys.queues())
            .arg(ticket.ticket_id.to_string())
            .arg(ticket.player_id.to_string())
            .arg(queue)
            .arg(record::to_json(ticket))
            .arg(u8::from(idempotency_key.is_some()))
            .arg(self.keys.ticket_prefix())
            .arg(KEY_SECS)
            .arg(CHANGES_KEPT)
            .invoke_async(&mut self.redis.clone())
            .await?;
        let fields = fields.unwrap_or_default();
        match outcome.as_str() {
            "created" => Ok(Creation::Created(TicketRecord {
                ticket: ticket.clone(),
                queue: queue.clone(),
                state: muster_core::wire::TicketState::Waiting,
                match_id: None,
                ended_at: None,
            })),
            "repeated" => Ok(Creation::Repeated(fields.expect_record()?)),
            "exists" => Ok(Creation::Exists(fields.expect_record()?)),
            other => Err(StoreError::corrupt("the answer of create.lua", other)),
        }
    }
}
