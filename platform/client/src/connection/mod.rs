//! The socket as a game sees it: a stream of events, a few verbs, and no care about the network in between.

mod event;
mod inbox;
mod options;
mod outbox;
mod socket;
mod task;
mod watched;

use std::collections::BTreeMap;

pub use event::{ClientEvent, DisconnectReason};
use muster_core::{
    game::{Command, Nonce},
    id::{MatchId, TicketId},
    matchmaking::PropertyValue,
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

/// What a player says about the match they want; what a queue wants to know is in [`Session::queues`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TicketOptions {
    /// What the player would do, best first; anything when empty.
    pub roles: Vec<String>,
    /// How far away each region is, in milliseconds. When it names some, the match is in one of these; when none, in any.
    pub latencies_ms: BTreeMap<String, u16>,
    /// What the ticket says of itself, for the queue's filters.
    pub properties: BTreeMap<String, PropertyValue>,
    /// What the player adds to the dice: 32 bytes of the game's own drawing, new for every ticket. See [`verify`](crate::verify) for
    /// what it proves.
    pub nonce: Option<Nonce>,
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

    /// See [`Caller::queue_with`].
    ///
    /// # Errors
    /// As there.
    pub async fn queue_with(&self, queue: &str, options: TicketOptions) -> Result<TicketView, ClientError> {
        self.caller.queue_with(queue, options).await
    }

    /// See [`Caller::accept`].
    ///
    /// # Errors
    /// As there.
    pub async fn accept(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        self.caller.accept(ticket_id).await
    }

    /// See [`Caller::decline`].
    ///
    /// # Errors
    /// As there.
    pub async fn decline(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        self.caller.decline(ticket_id).await
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

    /// See [`Caller::watch`].
    ///
    /// # Errors
    /// As there.
    pub async fn watch(&self, match_id: MatchId) -> Result<(), ClientError> {
        self.caller.watch(match_id).await
    }

    /// See [`Caller::unwatch`].
    ///
    /// # Errors
    /// As there.
    pub async fn unwatch(&self, match_id: MatchId) -> Result<(), ClientError> {
        self.caller.unwatch(match_id).await
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
        self.queue_with(queue, TicketOptions::default()).await
    }

    /// Begins to wait in a queue, with roles, latencies or properties. The match comes as [`ClientEvent::MatchFound`], or as
    /// [`ClientEvent::MatchAssigned`] where it is played on a server of the game; before that, where the queue asks, a
    /// [`ClientEvent::TicketUpdated`] with the state `proposed` wants a yes.
    ///
    /// # Errors
    /// `invalid_field` when it is not as the queue's rules want it; otherwise as [`Caller::queue`].
    pub async fn queue_with(&self, queue: &str, options: TicketOptions) -> Result<TicketView, ClientError> {
        let queue = queue.to_owned();
        let TicketOptions { roles, latencies_ms, properties, nonce } = options;
        self.ask_for_ticket(|id| ClientMessage::TicketCreate { id, queue, roles, latencies_ms, properties, nonce })
            .await
    }

    /// Accepts the match that is proposed to the player's ticket. It is made when all its players have.
    ///
    /// # Errors
    /// [`ClientError::Refused`] (`ticket_not_proposed` when it is too late); otherwise as [`Caller::queue`].
    pub async fn accept(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        self.ask_for_ticket(|id| ClientMessage::TicketAccept { id, ticket_id }).await
    }

    /// Declines the match that is proposed to the player's ticket; the ticket leaves its queue.
    ///
    /// # Errors
    /// As [`Caller::accept`].
    pub async fn decline(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        self.ask_for_ticket(|id| ClientMessage::TicketDecline { id, ticket_id }).await
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

    /// Watches a match of other players, as far behind it as the platform wants: [`ClientEvent::WatchBegan`] comes first, then
    /// [`ClientEvent::WatchEvents`], at last [`ClientEvent::WatchEnded`]. At most four at once. After a loss of the line the
    /// connection asks again by itself, from where the game was told.
    ///
    /// # Errors
    /// [`ClientError::Refused`] (`not_found`, `in_match` for one's own, `match_over`, `too_many_watched`, `spectators_off`);
    /// otherwise as [`Caller::queue`].
    pub async fn watch(&self, match_id: MatchId) -> Result<(), ClientError> {
        self.ask(|id| ClientMessage::MatchWatch { id, match_id, after: None }).await.map(drop)
    }

    /// Watches it no more.
    ///
    /// # Errors
    /// As [`Caller::queue`], but for the refusals.
    pub async fn unwatch(&self, match_id: MatchId) -> Result<(), ClientError> {
        self.ask(|id| ClientMessage::MatchUnwatch { id, match_id }).await.map(drop)
    }

    async fn ask_for_ticket(&self, message: impl FnOnce(String) -> ClientMessage) -> Result<TicketView, ClientError> {
        self.ask(message).await?.ok_or_else(|| ClientError::Answer {
            what: "a request about a ticket".to_owned(),
            reason: "the ack has no ticket".to_owned(),
        })
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
