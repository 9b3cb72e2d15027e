//! The good end of a claim: the match stands.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::wire::TicketState;

use super::claim::TICKETS_AT_ONCE;
use super::record::Fields;
use super::{ClaimedTicket, TicketRecord, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("settle.lua")]));

impl Tickets {
    /// Tells claimed tickets that their matches stand; their players are free again. In one round trip, and may be repeated.
    /// Returns the tickets that are still known, as they are now.
    pub async fn settle(&self, claimed: &[ClaimedTicket], now: DateTime<Utc>) -> Result<Vec<TicketRecord>> {
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let lots: Vec<&[ClaimedTicket]> = claimed.chunks(TICKETS_AT_ONCE).collect();
        let mut batch = SCRIPT.batch(lots.len());
        for lot in lots {
            let call = batch.call(self.keys.prefix());
            call.arg(now.timestamp_millis());
            for claimed in lot {
                let ticket = &claimed.ticket;
                call.arg(ticket.ticket_id.to_string()).arg(claimed.match_id.to_string()).arg(ticket.members.len());
                for player in ticket.players() {
                    call.arg(player.to_string());
                }
            }
        }
        let answers: Vec<Vec<Answer>> = batch.run(&self.redis).await?;
        let answers = answers.into_iter().flatten();
        let records = claimed.iter().zip(answers).filter_map(|(claimed, answer)| {
            let settled = TicketRecord {
                state: TicketState::Matched,
                match_id: Some(claimed.match_id),
                ended_at: Some(now),
                ..claimed.record()
            };
            outcome(answer, "settled", settled).transpose()
        });
        records.collect()
    }
}

impl ClaimedTicket {
    /// The record of this ticket, were it waiting.
    pub(super) fn record(&self) -> TicketRecord {
        TicketRecord::waiting(self.ticket.clone(), self.shard.clone(), self.names.clone())
    }
}

/// `done` when the script did what it is for; else the ticket as the script found it.
pub(super) fn outcome(mut answer: Answer, word: &str, done: TicketRecord) -> Result<Option<TicketRecord>> {
    match answer.outcome.as_str() {
        outcome if outcome == word => Ok(Some(done)),
        "other" => answer.take::<Option<Fields>>()?.map(|fields| fields.record()).transpose(),
        other => Err(StoreError::corrupt("the answer about a claimed ticket", other)),
    }
}
