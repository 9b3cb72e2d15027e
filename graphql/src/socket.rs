//! `GET /graphql/ws`: subscriptions by the `graphql-transport-ws` protocol.
//!
//! The protocol itself is async-graphql's; this module adds what it leaves to the transport: who may connect, close
//! codes as the protocol names them, deadlines, and the end of the session or of the process.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Data,
    http::{WebSocket as Protocol, WebSocketProtocols, WsMessage},
};
use axum::{
    extract::{
        ConnectInfo, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, future};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Knock, Session, SessionToken, Sessions},
    events,
    gate::Connection,
    http::{Http, MAX_BODY, knock},
    schema::ApiError,
};

const PROTOCOL: &str = "graphql-transport-ws";

/// Time that a new socket has for its `connection_init`.
const INIT_TIME: Duration = Duration::from_secs(10);

/// Time between two pings; a peer that sent nothing for three of them is gone.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Time that a slow reader has to take a message.
const SEND_TIME: Duration = Duration::from_secs(10);

/// Time between the end of a session and the close, so that its subscriptions can say why they end.
const FAREWELL: Duration = Duration::from_millis(500);

/// Close codes, as the protocol and RFC 6455 name them.
mod close {
    pub const GOING_AWAY: u16 = 1001;
    pub const BAD_REQUEST: u16 = 4400;
    pub const UNAUTHORIZED: u16 = 4401;
    pub const FORBIDDEN: u16 = 4403;
    pub const INIT_TIMEOUT: u16 = 4408;
}

/// Upgrades a request that offers the protocol.
pub(crate) async fn upgrade(
    State(http): State<Http>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MAX_BODY).max_frame_size(MAX_BODY);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "this socket speaks graphql-transport-ws only\n").into_response();
    }
    let knock = knock(&headers, peer);
    let open = http.sockets.token();
    upgrade.on_upgrade(move |socket| async move {
        events::socket_opened();
        let reason = Conversation::new(http, knock).hold(socket).await;
        events::socket_closed(reason);
        drop(open);
    })
}

/// One socket's talk, from upgrade to close.
struct Conversation {
    http: Http,
    knock: Knock,
    /// Set when `connection_init` was accepted.
    session: Arc<OnceLock<Session>>,
    /// Set when `connection_init` was refused, to tell that close from others.
    refused: Arc<AtomicBool>,
    session_over: CancellationToken,
}

impl Conversation {
    fn new(http: Http, knock: Knock) -> Self {
        Self { http, knock, session: Arc::default(), refused: Arc::default(), session_over: CancellationToken::new() }
    }

    /// Talks until either side ends it; says why it ended, for metrics.
    async fn hold(self, socket: WebSocket) -> &'static str {
        let (mut sink, stream) = socket.split();
        let heard = Arc::new(AtomicBool::new(true));
        let messages = stream.filter_map({
            let heard = heard.clone();
            move |message| {
                heard.store(true, Ordering::Relaxed);
                future::ready(match message {
                    Ok(message @ (Message::Text(_) | Message::Binary(_))) => Some(message.into_data()),
                    _ => None,
                })
            }
        });
        let protocol = Protocol::new(self.http.gate.clone(), messages, WebSocketProtocols::GraphQLWS)
            .on_connection_init({
                let (gatekeeper, knock) = (self.gatekeeper(), self.knock);
                move |payload| async move { gatekeeper.admit(&payload, knock).await }
            });
        futures::pin_mut!(protocol);

        let init_deadline = Instant::now() + INIT_TIME;
        let mut farewell = None;
        let mut recheck = every(self.http.session_recheck);
        let mut ping = every(PING_EVERY);
        let mut unanswered = 0;

        let (code, reason, why) = loop {
            let message = tokio::select! {
                biased;
                () = self.http.drain.cancelled() => break (close::GOING_AWAY, "the process is draining: connect again".to_owned(), "drained"),
                () = reached(farewell) => break (close::UNAUTHORIZED, ApiError::SessionOver.to_string(), "session_over"),
                () = sleep_until(init_deadline), if self.session.get().is_none() => {
                    break (close::INIT_TIMEOUT, "connection_init did not come in time".to_owned(), "init_timeout");
                }
                _ = recheck.tick(), if !self.session_over.is_cancelled() => {
                    if self.session_ended().await {
                        self.session_over.cancel();
                        farewell = Some(Instant::now() + FAREWELL);
                    }
                    continue;
                }
                _ = ping.tick() => {
                    unanswered = if heard.swap(false, Ordering::Relaxed) { 0 } else { unanswered + 1 };
                    if unanswered >= 3 {
                        return "silent";
                    }
                    Message::Ping(Default::default())
                }
                message = protocol.next() => match message {
                    Some(WsMessage::Text(text)) => Message::Text(text.into()),
                    Some(WsMessage::Close(code, reason)) => break self.translate(code, reason),
                    None => return "peer",
                },
            };
            match timeout(SEND_TIME, sink.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return "peer",
                Err(_) => return "slow",
            }
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // The peer may be gone already; there is nobody else to tell.
        let _ = timeout(SEND_TIME, sink.send(Message::Close(Some(frame)))).await;
        why
    }

    fn gatekeeper(&self) -> Gatekeeper {
        Gatekeeper {
            sessions: self.http.sessions.clone(),
            session: self.session.clone(),
            refused: self.refused.clone(),
            session_over: self.session_over.clone(),
        }
    }

    /// Whether the session is not valid any more. While the store does not answer it stays valid until it expires.
    async fn session_ended(&self) -> bool {
        let Some(session) = self.session.get() else { return false };
        let ended = match self.http.sessions.find(session.token_hash).await {
            Ok(found) => found.is_none(),
            Err(error) => {
                events::session_recheck_failed(&error);
                session.expires_at <= muster_store::now()
            }
        };
        if ended {
            events::session_over(session.member.staff_id);
        }
        ended
    }

    /// async-graphql closes with codes of RFC 6455 where the protocol has its own.
    fn translate(&self, code: u16, reason: String) -> (u16, String, &'static str) {
        // A close frame has room for 123 bytes of reason.
        let reason: String = reason.chars().take(100).filter(char::is_ascii).collect();
        match code {
            1002 if self.refused.load(Ordering::Relaxed) => (close::FORBIDDEN, reason, "refused"),
            1002 => (close::BAD_REQUEST, reason, "bad_request"),
            1011 => (close::UNAUTHORIZED, reason, "not_initialised"),
            other => (other, reason, "protocol"),
        }
    }
}

/// Ticks that do not pile up while the loop is busy.
fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Never, until there is a deadline.
async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}

/// Decides over `connection_init`.
struct Gatekeeper {
    sessions: Sessions,
    session: Arc<OnceLock<Session>>,
    refused: Arc<AtomicBool>,
    session_over: CancellationToken,
}

impl Gatekeeper {
    async fn admit(self, payload: &serde_json::Value, mut knock: Knock) -> async_graphql::Result<Data> {
        // A browser cannot set headers on a socket, so the token may come in the payload; it wins over the header.
        if let Some(authorization) = payload.get("authorization").and_then(serde_json::Value::as_str) {
            knock.token = SessionToken::from_authorization(authorization).map(|token| token.hash());
        }
        match self.find(knock).await {
            Ok(session) => {
                // `connection_init` is accepted once, so the cell is empty.
                let _ = self.session.set(session);
                let mut data = Data::default();
                data.insert(Connection::new(knock, self.session_over));
                Ok(data)
            }
            Err(error) => {
                self.refused.store(true, Ordering::Relaxed);
                Err(error.into())
            }
        }
    }

    async fn find(&self, knock: Knock) -> Result<Session, ApiError> {
        let token = knock.token.ok_or(ApiError::Unauthenticated)?;
        let found = self.sessions.find(token).await.map_err(ApiError::internal("find_session"))?;
        found.ok_or(ApiError::Unauthenticated)
    }
}
