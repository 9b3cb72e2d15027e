//! The other end of a claim: there is no match after all.

use std::sync::LazyLock;

use redis::Script;

use super::record::Fields;
use super::{CHANGES_KEPT, ClaimedTicket, TicketRecord, Tickets};
use crate::Result;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

impl Tickets {
    /// Puts claimed tickets back into their queue, with all the time they have waited. May be repeated. Returns the tickets
    /// that are still known, as they are now.
    pub async fn release(&self, claimed: &[ClaimedTicket]) -> Result<Vec<TicketRecord>> {
        let mut records = Vec::with_capacity(claimed.len());
        for claimed in claimed {
            let fields: Fields = SCRIPT
                .key(self.keys.claimed())
                .key(self.keys.ticket(claimed.ticket.ticket_id))
                .key(self.keys.pool(&claimed.queue))
                .key(self.keys.revision(&claimed.queue))
                .key(self.keys.changes(&claimed.queue))
                .arg(claimed.ticket.ticket_id.to_string())
                .arg(claimed.match_id.to_string())
                .arg(CHANGES_KEPT)
                .invoke_async(&mut self.redis.clone())
                .await?;
            records.extend(fields.record()?);
        }
        Ok(records)
    }
}
