//! What leaders of shards ask about many shards, or many claims, at once.

use chrono::{DateTime, Utc};
use muster_core::id::TicketId;
use redis::{AsyncCommands, SortedSetAddOptions};

use super::record::Fields;
use super::{ClaimedTicket, READ, Shard, Tickets};
use crate::Result;

impl Tickets {
    /// The number of the newest change of each of these shards, in their order: when it is not the cursor that a leader has
    /// reached, `changes` has something for it. One command, however many shards.
    pub async fn revisions(&self, shards: &[Shard]) -> Result<Vec<u64>> {
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = shards.iter().map(|shard| self.keys.revision(shard)).collect();
        let revisions: Vec<Option<u64>> = redis::cmd("MGET").arg(keys).query_async(&mut self.redis.clone()).await?;
        Ok(revisions.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// The claims of these tickets; one that is not claimed (any more) has none. In one round trip.
    pub async fn claims_of(&self, tickets: &[TicketId]) -> Result<Vec<ClaimedTicket>> {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = READ.batch(tickets.len());
        for ticket in tickets {
            reads.call(self.keys.prefix()).arg("ticket").arg(ticket.to_string());
        }
        let found: Vec<Option<Fields>> = reads.run(&self.redis).await?;
        found.iter().flatten().filter_map(|fields| fields.claimed().transpose()).collect()
    }

    /// Somebody looks after these claims until a moment: `stale_claims` takes them for made then. A ticket that is not claimed
    /// (any more) is left alone.
    pub async fn keep_claims(&self, claimed: &[ClaimedTicket], until: DateTime<Utc>) -> Result<()> {
        if claimed.is_empty() {
            return Ok(());
        }
        let kept: Vec<(i64, String)> =
            claimed.iter().map(|claimed| (until.timestamp_millis(), claimed.ticket.ticket_id.to_string())).collect();
        let only_claimed = SortedSetAddOptions::update_only(None);
        let mut redis = self.redis.clone();
        let _: usize = redis.zadd_multiple_options(self.keys.claimed(), &kept, &only_claimed).await?;
        Ok(())
    }
}
