//! Tickets that do not fit the queue as this leader knows it. A gateway may have heard of a new version a moment earlier, so
//! they get that moment before they have to leave.

use std::time::Duration;

use muster_core::id::TicketId;
use muster_core::matchmaking::Ticket;
use tokio::time::Instant;

/// By then every process has the newest version.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tickets that may have to leave.
#[derive(Default)]
pub(super) struct Misfits(Vec<(Instant, Ticket)>);

impl Misfits {
    /// A ticket that does not fit. When the queue has just changed under it, it has to leave at once.
    pub(super) fn add(&mut self, ticket: Ticket, changed: bool) {
        let now = Instant::now();
        self.0.push((if changed { now } else { now + PATIENCE }, ticket));
    }

    pub(super) fn remove(&mut self, ticket: TicketId) {
        self.0.retain(|(_, misfit)| misfit.ticket_id != ticket);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Those whose moment is over: to be asked once more whether they fit.
    pub(super) fn due(&mut self) -> Vec<Ticket> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let now = Instant::now();
        self.0.extract_if(.., |(by, _)| *by <= now).map(|(_, ticket)| ticket).collect()
    }
}
