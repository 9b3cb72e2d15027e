//! The end of a ticket that found no match: its player took it back, or it waited too long.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, TicketId};
use redis::Script;

use super::record::Fields;
use super::{CHANGES_KEPT, READABLE_SECS, TicketRecord, Tickets};
use crate::{Result, StoreError};

/// What became of the wish to take a ticket back.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// It is cancelled.
    Cancelled(TicketRecord),
    /// A match is being made of it, or it was over already.
    TooLate(TicketRecord),
    /// This player has no such ticket.
    NotFound,
}

enum Finish {
    Finished(TicketRecord),
    Late(TicketRecord),
    Unknown,
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("finish.lua")));

impl Tickets {
    /// Takes a waiting ticket back for the player whose it is.
    pub async fn cancel(&self, ticket: TicketId, player: PlayerId, now: DateTime<Utc>) -> Result<Cancellation> {
        let Some(record) = self.get(ticket).await?.filter(|record| record.ticket.player_id == player) else {
            return Ok(Cancellation::NotFound);
        };
        Ok(match self.finish(&record, "cancelled", now).await? {
            Finish::Finished(record) => Cancellation::Cancelled(record),
            Finish::Late(record) => Cancellation::TooLate(record),
            Finish::Unknown => Cancellation::NotFound,
        })
    }

    /// Ends a ticket that has waited too long. None when it is not waiting (any more).
    pub async fn expire(&self, ticket: TicketId, now: DateTime<Utc>) -> Result<Option<TicketRecord>> {
        let Some(record) = self.get(ticket).await? else { return Ok(None) };
        Ok(match self.finish(&record, "expired", now).await? {
            Finish::Finished(record) => Some(record),
            Finish::Late(_) | Finish::Unknown => None,
        })
    }

    /// Neither queue nor player of a ticket ever change, so the keys are right even if `record` is old.
    async fn finish(&self, record: &TicketRecord, state: &str, now: DateTime<Utc>) -> Result<Finish> {
        let ticket = record.ticket.ticket_id;
        let (outcome, fields): (String, Option<Fields>) = SCRIPT
            .key(self.keys.ticket(ticket))
            .key(self.keys.player(record.ticket.player_id))
            .key(self.keys.pool(&record.queue))
            .key(self.keys.revision(&record.queue))
            .key(self.keys.changes(&record.queue))
            .arg(ticket.to_string())
            .arg(state)
            .arg(READABLE_SECS)
            .arg(CHANGES_KEPT)
            .arg(now.timestamp_millis())
            .invoke_async(&mut self.redis.clone())
            .await?;
        let fields = fields.unwrap_or_default();
        match outcome.as_str() {
            "finished" => Ok(Finish::Finished(fields.expect_record()?)),
            "late" => Ok(Finish::Late(fields.expect_record()?)),
            "unknown" => Ok(Finish::Unknown),
            other => Err(StoreError::corrupt("the answer of finish.lua", other)),
        }
    }
}
