//! Joining and leaving a queue, and saying yes or no to a match.

use std::sync::Arc;

use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{CreateTicket, Push, TicketView};
use muster_store::{Answered, Cancellation, CancelledBy, TicketRecord};

use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::Gateway;
use crate::gateway::admission::{Creation, Owner, Pending, Wish};
use crate::matchmaker::{TicketEnd, home};

impl Gateway {
    /// Puts a player, or the players that a trusted server names, into a queue. One live ticket per player; the same
    /// `idempotency_key` gives the same ticket again.
    pub(in crate::gateway) async fn create_ticket(
        &self,
        owner: Owner,
        request: CreateTicket,
        idempotency_key: Option<String>,
    ) -> Result<Creation, ApiError> {
        let creation = self.ask_for_ticket(owner, request, idempotency_key)?.verdict().await?;
        if let (Owner::Server(_), Creation::Created(ticket)) = (owner, &creation) {
            // The players did not ask themselves: they hear of it.
            Box::pin(self.push_ticket(ticket, &ticket.players)).await;
        }
        Ok(creation)
    }

    /// Asks for a ticket, and does not wait for it.
    pub(in crate::gateway) fn ask_for_ticket(
        &self,
        owner: Owner,
        request: CreateTicket,
        idempotency_key: Option<String>,
    ) -> Result<Pending, ApiError> {
        let queue = self.queue(&request.queue)?;
        let wish = Wish::new(queue, owner, request, idempotency_key)?.in_open_regions(&self.closures.now())?;
        self.admission.leave(wish)
    }

    /// Reads a ticket that the asker has to do with.
    pub(in crate::gateway) async fn read_ticket(&self, owner: Owner, ticket: TicketId) -> Result<TicketView, ApiError> {
        self.ticket_of(owner, ticket).await.map(|record| record.view())
    }

    /// Takes a ticket out of its queue; its whole party with it. While a match is proposed, this declines it.
    pub(in crate::gateway) async fn cancel_ticket(
        &self,
        owner: Owner,
        ticket: TicketId,
    ) -> Result<TicketView, ApiError> {
        let by = match owner {
            Owner::Player(player) => CancelledBy::Player(player),
            Owner::Server(_) => CancelledBy::Server,
        };
        let record = match self.store.tickets.cancel(ticket, by, muster_store::now()).await? {
            Cancellation::Cancelled(record) => {
                self.ticket_cancelled(&record);
                record
            }
            Cancellation::Declined(record) => record,
            Cancellation::TooLate(_) => return Err(Code::TicketNotWaiting.into()),
            Cancellation::NotFound => return Err(Code::NotFound.into()),
        };
        let view = record.view();
        self.tell_others(owner, &view).await;
        Ok(view)
    }

    /// Says yes or no to the match that is proposed to a ticket: a player for themselves, a trusted server for all of the ticket's
    /// players.
    pub(in crate::gateway) async fn answer_proposal(
        &self,
        owner: Owner,
        ticket: TicketId,
        accept: bool,
    ) -> Result<TicketView, ApiError> {
        let (tickets, now) = (&self.store.tickets, muster_store::now());
        let answered = match owner {
            Owner::Player(player) => tickets.answer(ticket, player, accept, now).await?,
            Owner::Server(_) => tickets.answer_for_all(ticket, accept, now).await?,
        };
        let view = match answered {
            Answered::Recorded(record) => record.view(),
            Answered::NotProposed(_) => return Err(Code::TicketNotProposed.into()),
            Answered::NotFound => return Err(Code::NotFound.into()),
        };
        self.tell_others(owner, &view).await;
        Ok(view)
    }

    /// A queue by name.
    pub(in crate::gateway) fn queue(&self, name: &str) -> Result<Arc<QueueDefinition>, ApiError> {
        self.queues.get(name).ok_or_else(|| {
            let known: Vec<_> = self.queues.all().keys().cloned().collect();
            ApiError::with_detail(Code::UnknownQueue, format!("Choose one of: {}.", known.join(", ")))
        })
    }

    /// A ticket, when the asker is one of its players or a trusted server; for anybody else it is not there.
    async fn ticket_of(&self, owner: Owner, ticket: TicketId) -> Result<TicketRecord, ApiError> {
        match (self.store.tickets.get(ticket).await?, owner) {
            (Some(record), Owner::Server(_)) => Ok(record),
            (Some(record), Owner::Player(player)) if record.ticket.is_of(player) => Ok(record),
            _ => Err(Code::NotFound.into()),
        }
    }

    fn ticket_cancelled(&self, record: &TicketRecord) {
        let Some(queue) = self.queues.get(&record.shard.queue) else { return };
        let (region, reason) = (home(&queue, &record.ticket), record.reason.as_deref());
        events::ticket_ended(&queue.name, region, record.ticket.members.len(), "cancelled", reason);
        let end = TicketEnd {
            ticket: &record.ticket,
            shard: &record.shard,
            outcome: "cancelled",
            reason,
            matched: None,
            mode: queue.mode,
            region,
            queue_version: queue.version,
            at: record.ended_at.unwrap_or_else(muster_store::now),
        };
        end.tell(&self.telemetry);
    }

    /// Tells the ticket's players, but for the one who did it.
    async fn tell_others(&self, owner: Owner, ticket: &TicketView) {
        let others: Vec<_> = ticket.players.iter().copied().filter(|player| owner != Owner::Player(*player)).collect();
        self.push_ticket(ticket, &others).await;
    }

    /// Best effort: the ticket can be read at any time.
    async fn push_ticket(&self, ticket: &TicketView, players: &[PlayerId]) {
        if players.is_empty() {
            return;
        }
        let pushes: Vec<_> =
            players.iter().map(|player| (*player, Push::TicketUpdated { ticket: ticket.clone() })).collect();
        if let Err(error) = self.store.pushes.send_many(&pushes).await {
            tracing::warn!(
                ticket_id = %ticket.ticket_id,
                error = &error as &dyn std::error::Error,
                "the ticket's players could not be told of it"
            );
        }
    }
}
