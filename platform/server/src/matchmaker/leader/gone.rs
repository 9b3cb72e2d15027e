//! A group that its queue has no more. Who waits there has to leave; who is asked, or waits for a server, has their match brought to
//! its end as if the group were still there. Nothing begins.

use muster_core::id::TicketId;
use muster_core::matchmaking::QueueDefinition;
use muster_store::{EndReason, Shard, StoreError};

use super::Leader;

/// Whether the queue has the shard's group no more.
pub(super) fn is_gone(shard: &Shard, definition: &QueueDefinition) -> bool {
    !definition.groups().contains(&shard.group.as_str())
}

impl Leader<'_> {
    /// One tick: decides what is due, and ends the tickets that wait, also those that came back. Says whether there was anything
    /// to do.
    pub(super) async fn wind_up(&mut self, revision: u64) -> Result<bool, StoreError> {
        if self.open_proposals > 0 {
            self.decide().await?;
        }
        if !self.out_of_step && revision == self.cursor {
            return Ok(false);
        }
        let snapshot = self.matchmaker.store.tickets.snapshot(self.shard).await?;
        let waiting: Vec<TicketId> = snapshot.tickets.iter().map(|ticket| ticket.ticket_id).collect();
        self.end(&waiting, EndReason::ShardGone, muster_store::now()).await?;
        (self.cursor, self.out_of_step) = (snapshot.cursor, false);
        Ok(true)
    }

    /// Whether the group is gone and nothing is left to do. Should something come up yet, it is counted, and led again.
    pub(super) fn is_over(&self) -> bool {
        self.gone
            && !self.out_of_step
            && self.making.is_empty()
            && !self.matchmaker.unfinished.borrow().anything(self.shard)
    }
}
