//! Joining and leaving a queue.

use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::Ticket;
use muster_core::wire::TicketView;
use muster_store::{Cancellation, Creation as Stored, NewTicket};

use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::Gateway;

/// What became of a wish to queue.
pub enum Creation {
    /// A new ticket waits.
    Created(TicketView),
    /// The same request had been made before; this is its ticket as it is now.
    Repeated(TicketView),
}

impl Gateway {
    /// Puts a player into a queue. One live ticket per player; the same `idempotency_key` gives the same ticket again.
    pub(in crate::gateway) async fn create_ticket(
        &self,
        player: PlayerId,
        queue: &str,
        idempotency_key: Option<String>,
    ) -> Result<Creation, ApiError> {
        let queue = self.queues.get(queue).ok_or_else(|| {
            let known: Vec<_> = self.queues.all().keys().cloned().collect();
            ApiError::with_detail(Code::UnknownQueue, format!("Choose one of: {}.", known.join(", ")))
        })?;
        if self.store.matches.running_of(player).await?.is_some() {
            return Err(Code::InMatch.into());
        }
        let rating = self.store.ratings.of(player, queue.mode).await?.rating;
        let ticket = Ticket {
            ticket_id: muster_store::fresh_id(),
            player_id: player,
            rating: rating.points,
            deviation: rating.deviation,
            enqueued_at: muster_store::now(),
        };
        let new = NewTicket { ticket, queue: queue.name.clone(), idempotency_key };
        match self.store.tickets.create(&new).await? {
            Stored::Created(record) => {
                events::ticket_created(record.ticket.ticket_id, player, &queue.name);
                Ok(Creation::Created(record.view()))
            }
            Stored::Repeated(record) => Ok(Creation::Repeated(record.view())),
            Stored::Exists(record) => Err(ApiError::with_detail(
                Code::TicketExists,
                format!("Cancel ticket {} in queue {} first.", record.ticket.ticket_id, record.queue),
            )),
        }
    }

    /// Takes a player out of the queue.
    pub(in crate::gateway) async fn cancel_ticket(
        &self,
        player: PlayerId,
        ticket: TicketId,
    ) -> Result<TicketView, ApiError> {
        match self.store.tickets.cancel(ticket, player, muster_store::now()).await? {
            Cancellation::Cancelled(record) => Ok(record.view()),
            Cancellation::TooLate(_) => Err(Code::TicketNotWaiting.into()),
            Cancellation::NotFound => Err(Code::NotFound.into()),
        }
    }

    /// Reads one of the player's own tickets.
    pub(in crate::gateway) async fn read_ticket(
        &self,
        player: PlayerId,
        ticket: TicketId,
    ) -> Result<TicketView, ApiError> {
        match self.store.tickets.get(ticket).await? {
            Some(record) if record.ticket.player_id == player => Ok(record.view()),
            _ => Err(Code::NotFound.into()),
        }
    }
}
