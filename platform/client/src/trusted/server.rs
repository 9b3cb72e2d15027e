//! A server of the game that registers itself and plays matches.

use std::fmt;

use muster_core::{
    id::{Id, MatchId, ServerId},
    wire::{
        Heartbeat, RegisterServer, ReportPlayers, ReportResult, ServerMatchView, ServerOrders, ServerReport,
        ServerView, StartMatch,
    },
};
use reqwest::Method;

#[cfg(feature = "dedicated")]
use super::JoinCheck;
use super::TrustedServer;
use crate::error::ClientError;

/// A registered server of the game, from its start to its end. Cheap to clone.
///
/// The whole life: register, say `ready` with every heartbeat (about once a second: the answer has the matches it was given), start each
/// match, check the join token of everybody who connects, report the result, and drain before the process ends.
///
/// ```no_run
/// use muster_client::{Client, core::wire::{RegisterServer, ReportResult, ServerMatchView, ServerReport}};
///
/// # async fn play(given: &ServerMatchView) -> ReportResult { ReportResult::Abandoned { reason: "example".to_owned() } }
/// # async fn run(registered: RegisterServer) -> Result<(), muster_client::ClientError> {
/// let game = Client::new("https://play.example.com")?.trusted("msk_…").register_server(&registered).await?;
/// loop {
///     for given in game.heartbeat(ServerReport::Ready, None).await?.matches {
///         game.start(given.match_id, given.roster).await?;
///         let result = play(&given).await;
///         game.report(given.match_id, &result).await?;
///     }
///     tokio::time::sleep(std::time::Duration::from_secs(1)).await;
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct GameServer {
    trusted: TrustedServer,
    server_id: ServerId,
    #[cfg_attr(not(feature = "dedicated"), allow(dead_code, reason = "only checking join tokens needs it"))]
    issuer: String,
}

impl fmt::Debug for GameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GameServer").field("server_id", &self.server_id).finish_non_exhaustive()
    }
}

impl TrustedServer {
    /// Registers a server of the game, under a fresh id. It is `starting` until a heartbeat says otherwise.
    ///
    /// # Errors
    /// `invalid_field`; see [`TrustedServer::create_ticket`].
    pub async fn register_server(&self, registered: &RegisterServer) -> Result<GameServer, ClientError> {
        let server_id: ServerId = Id::new(chrono::Utc::now(), rand::random());
        let id = server_id.to_string();
        let orders: ServerOrders = self
            .send("the server", |client| client.request(Method::PUT, &["v1", "servers", &id]).json(registered))
            .await?;
        Ok(GameServer { trusted: self.clone(), server_id, issuer: orders.issuer })
    }
}

impl GameServer {
    /// What it is called, and whom join tokens have to be for.
    #[must_use]
    pub fn server_id(&self) -> ServerId {
        self.server_id
    }

    /// Says that it is still there, how it is, and how busy (0 to 100 percent). The answer has the matches that it has not started, and
    /// those that got more players.
    ///
    /// # Errors
    /// Of this and every other call here: `server_lost` when it was silent for too long (register anew); otherwise as
    /// [`TrustedServer::create_ticket`].
    pub async fn heartbeat(&self, state: ServerReport, load_percent: Option<u8>) -> Result<ServerOrders, ClientError> {
        let (id, beat) = (self.server_id.to_string(), Heartbeat { state, load_percent });
        self.trusted
            .send("the heartbeat", |client| {
                client.request(Method::POST, &["v1", "servers", &id, "heartbeat"]).json(&beat)
            })
            .await
    }

    /// How the platform sees it.
    ///
    /// # Errors
    /// See [`GameServer::heartbeat`].
    pub async fn view(&self) -> Result<ServerView, ClientError> {
        let id = self.server_id.to_string();
        self.trusted.send("the server", |client| client.request(Method::GET, &["v1", "servers", &id])).await
    }

    /// Lets it drain: nothing new comes, and it is `gone` when its last match is over. Heartbeats go on until then.
    ///
    /// # Errors
    /// See [`GameServer::heartbeat`].
    pub async fn drain(&self) -> Result<ServerView, ClientError> {
        let id = self.server_id.to_string();
        self.trusted.send("the server", |client| client.request(Method::DELETE, &["v1", "servers", &id])).await
    }

    /// Says that a match has begun, with the players of this `roster`; or, while it runs, that a later roster is known.
    ///
    /// # Errors
    /// `not_on_server`, `match_over`; see [`GameServer::heartbeat`].
    pub async fn start(&self, match_id: MatchId, roster: u32) -> Result<ServerMatchView, ClientError> {
        let (id, of, body) = (self.server_id.to_string(), match_id.to_string(), StartMatch { roster });
        self.trusted
            .send("the match", |client| {
                client.request(Method::POST, &["v1", "servers", &id, "matches", &of, "start"]).json(&body)
            })
            .await
    }

    /// Says who came, and who left for good (a line that dropped is no leaving).
    ///
    /// # Errors
    /// `not_on_server`, `not_in_match`, `match_over`; see [`GameServer::heartbeat`].
    pub async fn players(&self, match_id: MatchId, report: &ReportPlayers) -> Result<(), ClientError> {
        let (id, of) = (self.server_id.to_string(), match_id.to_string());
        self.trusted
            .send("the players", |client| {
                client.request(Method::POST, &["v1", "servers", &id, "matches", &of, "players"]).json(report)
            })
            .await
    }

    /// Says how a match ended. The same again is as good.
    ///
    /// # Errors
    /// `result_unfit`, `result_differs`, `not_on_server`, `match_over`; see [`GameServer::heartbeat`].
    pub async fn report(&self, match_id: MatchId, result: &ReportResult) -> Result<ServerMatchView, ClientError> {
        let (id, of) = (self.server_id.to_string(), match_id.to_string());
        self.trusted
            .send("the result", |client| {
                client.request(Method::PUT, &["v1", "servers", &id, "matches", &of, "result"]).json(result)
            })
            .await
    }

    /// What checks the tokens of those who connect, with the platform's keys as they are now. From then on no check asks the platform;
    /// fetch it anew every few minutes, and when a token has a key that is not known.
    ///
    /// # Errors
    /// [`ClientError::Answer`] when the keys cannot be read; see [`GameServer::heartbeat`].
    #[cfg(feature = "dedicated")]
    pub async fn join_check(&self) -> Result<JoinCheck, ClientError> {
        let client = &self.trusted.client;
        let keys: serde_json::Value =
            client.send("the keys", || client.request(Method::GET, &[".well-known", "jwks.json"])).await?;
        JoinCheck::new(self.server_id, &self.issuer, &keys)
            .map_err(|error| ClientError::Answer { what: "the keys".to_owned(), reason: error.to_string() })
    }
}
