//! The good end of a claim: the match stands.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::Script;

use super::record::Fields;
use super::{ClaimedTicket, READABLE_SECS, TicketRecord, Tickets};
use crate::Result;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("settle.lua")));

impl Tickets {
    /// Tells claimed tickets that their match stands; their players are free again. May be repeated. Returns the tickets that
    /// are still known, as they are now.
    pub async fn settle(&self, claimed: &[ClaimedTicket], now: DateTime<Utc>) -> Result<Vec<TicketRecord>> {
        let mut records = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            let fields: Fields = SCRIPT
                .key(self.keys.claimed())
                .key(self.keys.ticket(claimed.ticket.ticket_id))
                .key(self.keys.player(claimed.ticket.player_id))
                .arg(claimed.ticket.ticket_id.to_string())
                .arg(claimed.match_id.to_string())
                .arg(READABLE_SECS)
                .arg(now.timestamp_millis())
                .invoke_async(&mut self.redis.clone())
                .await?;
            records.extend(fields.record()?);
        }
        Ok(records)
    }
}
