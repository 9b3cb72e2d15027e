//! The other end of a claim: there is no match after all.

use std::sync::LazyLock;

use super::settle::outcome;
use super::{ClaimedTicket, TicketRecord, Tickets, script};
use crate::Result;
use crate::script::{Answer, Script};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("release.lua")]));

impl Tickets {
    /// Puts claimed tickets back into their pool, before others and with all the time they have waited. In one round trip, and
    /// may be repeated. Returns the tickets that are still known, as they are now.
    pub async fn release(&self, claimed: &[ClaimedTicket]) -> Result<Vec<TicketRecord>> {
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = SCRIPT.batch(claimed.len());
        for claimed in claimed {
            let call = batch.call(self.keys.prefix());
            call.arg(claimed.ticket.ticket_id.to_string()).arg(claimed.match_id.to_string());
        }
        let answers: Vec<Answer> = batch.run(&self.redis).await?;
        let records = claimed.iter().zip(answers).filter_map(|(claimed, answer)| {
            let mut released = claimed.record();
            released.ticket.returned = true;
            outcome(answer, "released", released).transpose()
        });
        records.collect()
    }
}
