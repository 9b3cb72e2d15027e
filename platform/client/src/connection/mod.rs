//! The socket as a game sees it: a stream of events, a few verbs, and no care about the network in between.

mod event;
mod inbox;
mod options;
mod outbox;
mod socket;
mod task;

pub use event::{ClientEvent, DisconnectReason};
use muster_core::{
    game::Command,
    id::{MatchId, TicketId},
    wire::{ClientMessage, TicketView},
};
pub use options::ConnectOptions;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{error::ClientError, session::Session};
use outbox::{Answer, Request};

/// An open door to the platform: it connects, says hello, keeps the line alive, comes back after a loss with what was missed,
/// and sends again what was not answered.
///
/// Read [`Connection::next`] all the time: an unread event queue of [`ConnectOptions::event_capacity`] makes the connection
/// let go and come back when there is room again, which loses nothing but time. Dropping it disconnects.
#[derive(Debug)]
pub struct Connection {
    caller: Caller,
    events: mpsc::Receiver<ClientEvent>,
    task: JoinHandle<()>,
}

/// The verbs of a [`Connection`], for another task than the one that reads its events. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    requests: mpsc::Sender<Request>,
    patience: std::time::Duration,
}

impl Connection {
    pub(crate) fn open(session: Session, options: ConnectOptions) -> Self {
        let (requests, asked) = mpsc::channel(options.request_capacity);
        let (told, events) = mpsc::channel(options.event_capacity);
        let caller = Caller { requests, patience: options.request_timeout };
        let task = tokio::spawn(task::Task::new(session, options, asked, told).run());
        Self { caller, events, task }
    }

    /// The next event; none once the connection is closed for good.
    ///
    /// Cancel safe: an event is either returned or still there.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        self.events.recv().await
    }

    /// The verbs alone, for another task.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// See [`Caller::queue`].
    ///
    /// # Errors
    /// As there.
    pub async fn queue(&self, queue: &str) -> Result<TicketView, ClientError> {
        self.caller.queue(queue).await
    }

    /// See [`Caller::cancel`].
    ///
    /// # Errors
    /// As there.
    pub async fn cancel(&self, ticket_id: TicketId) -> Result<(), ClientError> {
        self.caller.cancel(ticket_id).await
    }

    /// See [`Caller::command`].
    ///
    /// # Errors
    /// As there.
    pub async fn command(&self, match_id: MatchId, command: Command) -> Result<(), ClientError> {
        self.caller.command(match_id, command).await
    }

    /// Says goodbye to the platform and waits until the line is down.
    pub async fn close(self) {
        let Self { caller, events, mut task } = self;
        drop(caller);
        // While other callers live the verbs stay open; without a reader the task ends all the same.
        if timeout(options::GOODBYE, &mut task).await.is_err() {
            drop(events);
            let _ = task.await;
        }
    }
}

impl Caller {
    /// Begins to wait in a queue, e.g. `classic-ranked`. The match comes as [`ClientEvent::MatchFound`].
    ///
    /// # Errors
    /// [`ClientError::Refused`] (`unknown_queue`, `ticket_exists`, `in_match`, …); [`ClientError::NoAnswer`] when the platform
    /// did not answer in time, reconnects included; [`ClientError::Closed`].
    pub async fn queue(&self, queue: &str) -> Result<TicketView, ClientError> {
        let queue = queue.to_owned();
        let ticket = self.ask(|id| ClientMessage::TicketCreate { id, queue }).await?;
        ticket.ok_or_else(|| ClientError::Answer {
            what: "ticket.create".to_owned(),
            reason: "the ack has no ticket".to_owned(),
        })
    }

    /// Stops waiting.
    ///
    /// # Errors
    /// [`ClientError::Refused`] (`ticket_not_waiting` when the match was quicker); otherwise as [`Caller::queue`].
    pub async fn cancel(&self, ticket_id: TicketId) -> Result<(), ClientError> {
        self.ask(|id| ClientMessage::TicketCancel { id, ticket_id }).await.map(drop)
    }

    /// Makes a move. It takes effect at most once, however often the network makes the SDK send it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] (`not_your_turn`, `nothing_to_bank`, `bank_not_allowed`, `match_over`, …); otherwise as
    /// [`Caller::queue`].
    pub async fn command(&self, match_id: MatchId, command: Command) -> Result<(), ClientError> {
        self.ask(|id| ClientMessage::MatchCommand { id, match_id, command }).await.map(drop)
    }

    async fn ask(&self, message: impl FnOnce(String) -> ClientMessage) -> Result<Answer, ClientError> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let (reply, answer) = oneshot::channel();
        let request = Request { message: message(id.clone()), id, reply };
        let exchange = async {
            self.requests.send(request).await.map_err(|_| ClientError::Closed)?;
            answer.await.map_err(|_| ClientError::Closed)?
        };
        timeout(self.patience, exchange).await.unwrap_or(Err(ClientError::NoAnswer(self.patience)))
    }
}
