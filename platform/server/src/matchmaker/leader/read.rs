//! What waits, as the leader reads it from Redis: once as a whole, then change by change.

use chrono::{DateTime, Utc};
use muster_core::id::TicketId;
use muster_core::matchmaking::{Backfill, Ticket};
use muster_store::{Changes, EndReason, StoreError, TicketChange, TicketRecord};

use super::Leader;
use super::ledger::{self, Ledger};
use crate::events;
use crate::matchmaker::{facts, tell};

impl Leader<'_> {
    /// Reads all that waits. `changed`: the queue has just become another, so who does not fit has to leave at once.
    pub(super) async fn read_all(&mut self, changed: bool) -> Result<(), StoreError> {
        let snapshot = self.matchmaker.store.tickets.snapshot(self.shard).await?;
        self.cursor = snapshot.cursor;
        self.pool.clear();
        self.wishes.clear();
        self.misfits.clear();
        self.ledger = Ledger::new(&self.definition, &self.shard.group);
        for ticket in snapshot.tickets {
            self.admit(ticket, changed);
        }
        snapshot.backfills.into_iter().for_each(|wish| self.admit_wish(wish));
        self.out_of_step = false;
        Ok(())
    }

    /// Reads what has changed, up to this revision at least.
    pub(super) async fn read_changes(&mut self, revision: u64) -> Result<(), StoreError> {
        loop {
            let changes = self.matchmaker.store.tickets.changes(self.shard, self.cursor).await?;
            let Changes::Since { items, cursor } = changes else { return self.read_all(false).await };
            self.cursor = cursor;
            let done = items.is_empty() || cursor >= revision;
            items.into_iter().for_each(|change| self.change(change));
            if done {
                return Ok(());
            }
        }
    }

    fn change(&mut self, change: TicketChange) {
        match change {
            TicketChange::Added(ticket) => {
                if !ticket.returned {
                    let region = ledger::home(&self.definition, &ticket);
                    events::ticket_arrived(&self.shard.queue, region, ticket.members.len());
                }
                self.admit(ticket, false);
            }
            TicketChange::Removed(ticket) => {
                self.pool.remove(ticket);
                self.ledger.remove(ticket);
                self.misfits.remove(ticket);
            }
            TicketChange::BackfillAdded(wish) => self.admit_wish(wish),
            TicketChange::BackfillRemoved(wish) => {
                self.pool.remove_backfill(wish);
                self.wishes.remove(&wish);
            }
        }
    }

    fn admit(&mut self, ticket: Ticket, changed: bool) {
        let admitted = !self.pool.shuts_out(&ticket) && self.pool.insert(&ticket).is_ok();
        match admitted {
            true => self.ledger.insert(&ticket),
            false => self.misfits.add(ticket, changed),
        }
    }

    pub(super) fn admit_wish(&mut self, wish: Backfill) {
        match self.pool.insert_backfill(&wish) {
            Ok(()) => {
                self.wishes.insert(wish.backfill_id, wish);
            }
            Err(reasons) => tracing::warn!(
                match_id = %wish.match_id,
                queue = self.shard.queue,
                ?reasons,
                "a running match asks for players that this queue cannot give it"
            ),
        }
    }

    pub(super) async fn dismiss_misfits(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (mut shut_out, mut dismissed) = (Vec::new(), Vec::new());
        for ticket in self.misfits.due() {
            if self.pool.shuts_out(&ticket) {
                shut_out.push(ticket.ticket_id);
                continue;
            }
            match self.pool.insert(&ticket) {
                Ok(()) => self.ledger.insert(&ticket),
                Err(_) => dismissed.push(ticket.ticket_id),
            }
        }
        self.end(&shut_out, EndReason::RegionClosed, now).await?;
        self.end(&dismissed, EndReason::QueueChanged, now).await
    }

    pub(super) async fn end(
        &mut self,
        tickets: &[TicketId],
        reason: EndReason,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if tickets.is_empty() {
            return Ok(());
        }
        let ended = self.matchmaker.store.tickets.end_many(tickets, reason, now).await?;
        for ticket in tickets {
            self.pool.remove(*ticket);
            self.ledger.remove(*ticket);
        }
        self.ended(&ended).await;
        Ok(())
    }

    /// Counts and tells what has become of tickets that ended without a match.
    pub(super) async fn ended(&self, ended: &[TicketRecord]) {
        for record in ended {
            facts::ticket_ended(&self.matchmaker.telemetry, &self.definition, record);
        }
        tell(self.matchmaker, ended).await;
    }
}
