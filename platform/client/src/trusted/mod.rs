//! The platform as a game's own back end sees it.

#[cfg(feature = "dedicated")]
mod join;
mod server;

use muster_core::{
    id::{MatchId, TicketId},
    wire::{Assign, AssignmentView, BackfillView, CreateTicket, RequestBackfill, TicketView},
};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;

use crate::{client::Client, error::ClientError};

#[cfg(feature = "dedicated")]
pub use join::{JoinCheck, JoinError};
pub use server::GameServer;

/// A trusted server: it makes tickets for players and parties, and runs the matches of queues without a built-in mode. Cheap to clone.
///
/// ```no_run
/// use muster_client::{Client, core::wire::{CreateTicket, TicketPlayer}};
///
/// # async fn run(party: Vec<TicketPlayer>) -> Result<(), muster_client::ClientError> {
/// let server = Client::new("https://play.example.com")?.trusted("msk_…");
/// let ticket = CreateTicket { players: party, ..CreateTicket::plain("fives") };
/// server.create_ticket(&ticket, "party-7-of-tonight").await?;
/// for wanted in server.assignments(Some("fives"), 100).await? {
///     server.assign(wanted.match_id, "203.0.113.7:7777").await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TrustedServer {
    client: Client,
    key: String,
}

impl std::fmt::Debug for TrustedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustedServer").field("client", &self.client).finish_non_exhaustive()
    }
}

impl TrustedServer {
    pub(crate) fn new(client: Client, key: String) -> Self {
        Self { client, key }
    }

    /// Lets the players it names wait in a queue, as one party. The same `idempotency_key` again gives the same ticket.
    ///
    /// # Errors
    /// Of this and every other call here: [`ClientError::Problem`] when the platform refuses (`ticket_exists`, `in_match`,
    /// `invalid_field`, `key_invalid`, …), [`ClientError::Transport`] when it cannot be reached (after a few attempts).
    pub async fn create_ticket(&self, ticket: &CreateTicket, idempotency_key: &str) -> Result<TicketView, ClientError> {
        self.send("the ticket", |client| {
            client.request(Method::POST, &["v1", "tickets"]).header("Idempotency-Key", idempotency_key).json(ticket)
        })
        .await
    }

    /// Any ticket, for ten minutes after it is over too.
    ///
    /// # Errors
    /// See [`TrustedServer::create_ticket`].
    pub async fn ticket(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::GET, &["v1", "tickets", &id])).await
    }

    /// Takes a ticket out of its queue.
    ///
    /// # Errors
    /// `ticket_not_waiting` when it is over; see [`TrustedServer::create_ticket`].
    pub async fn cancel_ticket(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::DELETE, &["v1", "tickets", &id])).await
    }

    /// Accepts, for all its players, the match that is proposed to a ticket.
    ///
    /// # Errors
    /// `ticket_not_proposed`; see [`TrustedServer::create_ticket`].
    pub async fn accept_match(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::POST, &["v1", "tickets", &id, "accept"])).await
    }

    /// Declines the match that is proposed to a ticket; the ticket leaves its queue.
    ///
    /// # Errors
    /// `ticket_not_proposed`; see [`TrustedServer::create_ticket`].
    pub async fn decline_match(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::POST, &["v1", "tickets", &id, "decline"])).await
    }

    /// Matches that wait for a server, of one queue or of all, the longest wait first: at most `first`, 1 to 200.
    ///
    /// # Errors
    /// See [`TrustedServer::create_ticket`].
    pub async fn assignments(&self, queue: Option<&str>, first: u32) -> Result<Vec<AssignmentView>, ClientError> {
        let mut query = vec![("first", first.to_string())];
        query.extend(queue.map(|queue| ("queue", queue.to_owned())));
        self.send("the assignments", |client| client.request_with(Method::GET, &["v1", "assignments"], &query)).await
    }

    /// Says where a match is played: 1 to 256 characters, as the game's clients understand it. Its players are told to connect.
    ///
    /// # Errors
    /// `already_assigned` when another server was quicker, `not_found` when it has gone back to its queue; see
    /// [`TrustedServer::create_ticket`].
    pub async fn assign(&self, match_id: MatchId, connection: &str) -> Result<AssignmentView, ClientError> {
        let (id, body) = (match_id.to_string(), Assign { connection: connection.to_owned() });
        self.send("the assignment", |client| client.request(Method::PUT, &["v1", "assignments", &id]).json(&body)).await
    }

    /// Says that there is no server for a match, with a stable reason (1 to 32 of `a-z`, `0-9` and `_`): its tickets return to the
    /// head of their queue.
    ///
    /// # Errors
    /// `not_found` when it is assigned, or gone; see [`TrustedServer::create_ticket`].
    pub async fn refuse(&self, match_id: MatchId, reason: &str) -> Result<(), ClientError> {
        let (id, query) = (match_id.to_string(), [("reason", reason.to_owned())]);
        self.send("the assignment", |client| client.request_with(Method::DELETE, &["v1", "assignments", &id], &query))
            .await
    }

    /// Asks for players for a running match, in the place of what was asked for it before. They come as an assignment with
    /// `backfill_of`.
    ///
    /// # Errors
    /// `invalid_field` when it is not as the queue's rules want it; see [`TrustedServer::create_ticket`].
    pub async fn request_backfill(
        &self,
        match_id: MatchId,
        wanted: &RequestBackfill,
    ) -> Result<BackfillView, ClientError> {
        let id = match_id.to_string();
        self.send("the backfill", |client| {
            client.request(Method::POST, &["v1", "matches", &id, "backfill"]).json(wanted)
        })
        .await
    }

    /// Asks for nobody any more.
    ///
    /// # Errors
    /// `not_found` when nobody was asked for; see [`TrustedServer::create_ticket`].
    pub async fn withdraw_backfill(&self, match_id: MatchId) -> Result<(), ClientError> {
        let id = match_id.to_string();
        self.send("the backfill", |client| client.request(Method::DELETE, &["v1", "matches", &id, "backfill"])).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<T, ClientError> {
        self.client.send(what, || request(&self.client).bearer_auth(&self.key)).await
    }
}
