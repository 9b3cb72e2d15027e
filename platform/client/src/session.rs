//! A signed-in player: what they may ask over HTTP, and the door to the socket.

use std::sync::{Arc, PoisonError, RwLock};

use muster_core::{
    game::Mode,
    id::{MatchId, PlayerId, TicketId},
    wire::{
        BlockList, CreateTicket, DeviceSignIn, EventBatch, EventPage, EventVerdicts, JoinPass, Leaderboard,
        LoggedEvent, MatchView, PlayerStanding, Profile, QueueView, ServerMatchView, SignedIn, TicketView,
    },
};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;

use crate::{
    client::Client,
    connection::{ConnectOptions, Connection},
    error::ClientError,
};

/// How many log entries [`Session::match_log`] asks for at once.
const PAGE: u32 = 500;

/// A player who signed in with a device. Cheap to clone; clones share the token and its renewal.
#[derive(Debug, Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    device: DeviceSignIn,
    player_id: PlayerId,
    display_name: String,
    new_account: bool,
    token: RwLock<String>,
    renewal: tokio::sync::Mutex<()>,
}

impl Session {
    pub(crate) fn new(client: Client, device: DeviceSignIn, signed_in: SignedIn) -> Self {
        Self {
            inner: Arc::new(Inner {
                client,
                // Without the name: a renewal must not undo a rename that happened since.
                device: DeviceSignIn { display_name: None, ..device },
                player_id: signed_in.player_id,
                display_name: signed_in.display_name,
                new_account: signed_in.new_account,
                token: RwLock::new(signed_in.token),
                renewal: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Who this is.
    #[must_use]
    pub fn player_id(&self) -> PlayerId {
        self.inner.player_id
    }

    /// The name at sign-in.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.inner.display_name
    }

    /// Whether the sign-in made the account.
    #[must_use]
    pub fn is_new_account(&self) -> bool {
        self.inner.new_account
    }

    /// The platform that this session is with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// The token as it is now; it changes when it runs out.
    #[must_use]
    pub fn token(&self) -> String {
        self.inner.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs in again, unless somebody else did since `stale` was read.
    ///
    /// # Errors
    /// As [`Client::sign_in_device`].
    pub async fn renew(&self, stale: &str) -> Result<(), ClientError> {
        let _one_at_a_time = self.inner.renewal.lock().await;
        if self.token() != stale {
            return Ok(());
        }
        let signed_in = self.inner.client.sign_in(&self.inner.device).await?;
        *self.inner.token.write().unwrap_or_else(PoisonError::into_inner) = signed_in.token;
        Ok(())
    }

    /// Name, ratings, and the live ticket or running match, if any.
    ///
    /// # Errors
    /// Of this and every other call here: [`ClientError::Problem`] when the platform refuses, [`ClientError::Transport`]
    /// when it cannot be reached (after a few attempts where repeating is harmless).
    pub async fn me(&self) -> Result<Profile, ClientError> {
        self.get("the profile", &["v1", "me"]).await
    }

    /// The queues that one may wait in.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn queues(&self) -> Result<Vec<QueueView>, ClientError> {
        self.get("the queues", &["v1", "queues"]).await
    }

    /// Begins to wait in a queue. The same `idempotency_key` again gives the same ticket, however often it is sent.
    ///
    /// # Errors
    /// `ticket_exists` when the player waits already; see [`Session::me`].
    pub async fn create_ticket(&self, queue: &str, idempotency_key: &str) -> Result<TicketView, ClientError> {
        self.request_ticket(&CreateTicket::plain(queue), idempotency_key).await
    }

    /// Begins to wait in a queue, with roles, latencies or properties: what a queue wants to know is in [`Session::queues`].
    ///
    /// # Errors
    /// `invalid_field` with each field that the queue does not allow; otherwise as [`Session::create_ticket`].
    pub async fn request_ticket(
        &self,
        ticket: &CreateTicket,
        idempotency_key: &str,
    ) -> Result<TicketView, ClientError> {
        self.send("the ticket", |client| {
            client.request(Method::POST, &["v1", "tickets"]).header("Idempotency-Key", idempotency_key).json(ticket)
        })
        .await
    }

    /// Where this player's match is played, with a fresh token for its server; [`Session::me`] tells which match, if any.
    ///
    /// # Errors
    /// `match_over`, `not_in_match`, `not_found` when no registered server plays it; see [`Session::me`].
    pub async fn join_pass(&self, match_id: MatchId) -> Result<JoinPass, ClientError> {
        let id = match_id.to_string();
        self.send("the join token", |client| client.request(Method::POST, &["v1", "matches", &id, "join-token"])).await
    }

    /// A match on a registered server of its game, running or over.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn server_match(&self, match_id: MatchId) -> Result<ServerMatchView, ClientError> {
        self.get("the match", &["v1", "server-matches", &match_id.to_string()]).await
    }

    /// Accepts the match that is proposed to a ticket.
    ///
    /// # Errors
    /// `ticket_not_proposed`; see [`Session::me`].
    pub async fn accept_match(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::POST, &["v1", "tickets", &id, "accept"])).await
    }

    /// Declines the match that is proposed to a ticket; the ticket leaves its queue.
    ///
    /// # Errors
    /// `ticket_not_proposed`; see [`Session::me`].
    pub async fn decline_match(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::POST, &["v1", "tickets", &id, "decline"])).await
    }

    /// Whom the player never plays with or against.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn blocks(&self) -> Result<Vec<PlayerId>, ClientError> {
        let list: BlockList = self.get("the blocked players", &["v1", "blocks"]).await?;
        Ok(list.players)
    }

    /// Blocks a player, from the next ticket on: at most 256.
    ///
    /// # Errors
    /// `too_many_blocks`, `not_found`; see [`Session::me`].
    pub async fn block(&self, player: PlayerId) -> Result<(), ClientError> {
        let id = player.to_string();
        self.send("the block", |client| client.request(Method::PUT, &["v1", "blocks", &id])).await
    }

    /// Takes a block back.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn unblock(&self, player: PlayerId) -> Result<(), ClientError> {
        let id = player.to_string();
        self.send("the block", |client| client.request(Method::DELETE, &["v1", "blocks", &id])).await
    }

    /// A ticket of this player's, for ten minutes after it is over too.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn ticket(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        self.get("the ticket", &["v1", "tickets", &ticket_id.to_string()]).await
    }

    /// Stops waiting. A ticket that has been matched meanwhile stays so.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn cancel_ticket(&self, ticket_id: TicketId) -> Result<TicketView, ClientError> {
        let id = ticket_id.to_string();
        self.send("the ticket", |client| client.request(Method::DELETE, &["v1", "tickets", &id])).await
    }

    /// A match, running or finished.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn match_view(&self, match_id: MatchId) -> Result<MatchView, ClientError> {
        self.get("the match", &["v1", "matches", &match_id.to_string()]).await
    }

    /// A page of a match's log: at most `first` entries (1 to 1000) whose sequence is above `after`.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn match_events(&self, match_id: MatchId, after: u64, first: u32) -> Result<EventPage, ClientError> {
        let id = match_id.to_string();
        self.send("the match's log", |client| {
            let query = [("after", after.to_string()), ("first", first.to_string())];
            client.request_with(Method::GET, &["v1", "matches", &id, "events"], &query)
        })
        .await
    }

    /// A page of a mode's leaderboard, the best first: `first` players (1 to 100) after the `end_cursor` of an earlier page.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn leaderboard(&self, mode: Mode, after: Option<&str>, first: u32) -> Result<Leaderboard, ClientError> {
        self.send("the leaderboard", |client| {
            let first = Some(("first", first.to_string()));
            let query: Vec<_> = first.into_iter().chain(after.map(|after| ("after", after.to_owned()))).collect();
            client.request_with(Method::GET, &["v1", "leaderboards", mode.as_str()], &query)
        })
        .await
    }

    /// Where a player stands in a mode, with up to `around` neighbours (25 at most) on either side.
    ///
    /// # Errors
    /// `not_found` for who has not played the mode ranked; see [`Session::me`].
    pub async fn standing(&self, mode: Mode, player: PlayerId, around: u32) -> Result<PlayerStanding, ClientError> {
        let player = player.to_string();
        self.send("the standing", |client| {
            let path = ["v1", "leaderboards", mode.as_str(), "players", &player];
            client.request_with(Method::GET, &path, &[("around", around.to_string())])
        })
        .await
    }

    /// Sends up to 500 of the game's own events; the answer has a verdict for each. Sending them again changes nothing.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn send_events(&self, events: &EventBatch) -> Result<EventVerdicts, ClientError> {
        self.send("the events", |client| client.request(Method::POST, &["v1", "events"]).json(events)).await
    }

    /// Opens the socket, with the usual patience. It connects in the background and stays, through restarts of the
    /// platform and of the network, until it is dropped.
    #[must_use]
    pub fn connect(&self) -> Connection {
        self.connect_with(ConnectOptions::default())
    }

    /// Opens the socket, with a patience of one's own.
    #[must_use]
    pub fn connect_with(&self, options: ConnectOptions) -> Connection {
        Connection::open(self.clone(), options)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str, segments: &[&str]) -> Result<T, ClientError> {
        self.send(what, |client| client.request(Method::GET, segments)).await
    }

    /// Sends with the token; when it has run out, signs in again and sends once more.
    async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<T, ClientError> {
        let client = &self.inner.client;
        let token = self.token();
        match client.send(what, || request(client).bearer_auth(&token)).await {
            Err(refused) if refused.wants_sign_in() => {
                self.renew(&token).await?;
                let renewed = self.token();
                client.send(what, || request(client).bearer_auth(&renewed)).await
            }
            answer => answer,
        }
    }

    /// A match's whole log from `after` on, page by page.
    ///
    /// # Errors
    /// See [`Session::me`].
    pub async fn match_log(&self, match_id: MatchId, mut after: u64) -> Result<Vec<LoggedEvent>, ClientError> {
        let mut log = Vec::new();
        loop {
            let page = self.match_events(match_id, after, PAGE).await?;
            let Some(last) = page.events.last() else {
                return Ok(log);
            };
            after = last.seq;
            log.extend(page.events);
            if !page.has_next {
                return Ok(log);
            }
        }
    }
}
