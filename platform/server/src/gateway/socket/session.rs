//! The life of one socket: hello, what was missed, then requests and pushes until somebody leaves.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;

use axum::extract::ws::{Utf8Bytes, WebSocket};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, ServerMessage};
use muster_store::{NextPush, OrderedPushes, StoreError};
use tokio::time::Instant;

use super::request::{self, Answered};
use super::transport::{self, End};
use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::Gateway;
use crate::gateway::roster::Place;

/// Serves a socket from its first frame to its last.
pub(super) async fn run(gateway: Gateway, mut socket: WebSocket) {
    let hello = tokio::time::timeout(gateway.settings.gateway.hello_timeout, hear_hello(&gateway, &mut socket)).await;
    let end = match hello.unwrap_or(Err(End::Refused(Code::HelloExpected))) {
        Ok(hello) => serve(&gateway, &mut socket, hello).await,
        Err(end) => end,
    };
    transport::close(socket, end).await;
}

struct Hello {
    player: PlayerId,
    last_seq: Option<u64>,
}

/// The first message must be a hello with a good token.
async fn hear_hello(gateway: &Gateway, socket: &mut WebSocket) -> Result<Hello, End> {
    loop {
        let Some(text) = transport::read(socket.recv().await)? else { continue };
        let refused = match transport::parse(&text) {
            Ok(ClientMessage::Hello { token, last_seq }) => match gateway.authenticate(&token) {
                Ok(player) => return Ok(Hello { player, last_seq }),
                Err(error) => ApiError::from(error),
            },
            Ok(_) => Code::HelloExpected.into(),
            Err(error) => error,
        };
        transport::send(socket, &transport::error(&refused, None)).await?;
        return Err(End::Refused(refused.code()));
    }
}

/// Enters the player, serves the socket, and lets the player go.
async fn serve(gateway: &Gateway, socket: &mut WebSocket, hello: Hello) -> End {
    let player = hello.player;
    let resumed = hello.last_seq.is_some();
    let place = gateway.roster.enter(player);
    events::socket_opened(player, resumed);

    let end = match Session::open(gateway, socket, hello).await {
        Ok(mut session) => session.live(socket, &place).await,
        Err(Opening::End(end)) => end,
        Err(Opening::Failed(error)) => End::Refused(error.code()),
    };

    if gateway.roster.leave(&place) {
        if let Err(error) = gateway.store.presence.leave(player).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "presence could not be taken back; it ends by itself"
            );
        }
        // While draining the player is only moving to another server: the match need not know.
        if !gateway.drain.is_cancelled() {
            gateway.tell_connection(player, false).await;
        }
    }
    events::socket_closed(player, end.reason());
    end
}

enum Opening {
    End(End),
    Failed(ApiError),
}

impl From<End> for Opening {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<StoreError> for Opening {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

type Work = Pin<Box<dyn Future<Output = Answered> + Send>>;

struct Session {
    gateway: Gateway,
    player: PlayerId,
    pushes: OrderedPushes,
    playing: Option<MatchId>,
    rate: DefaultDirectRateLimiter,
}

impl Session {
    /// Subscribes, welcomes, and sends what was missed.
    async fn open(gateway: &Gateway, socket: &mut WebSocket, hello: Hello) -> Result<Self, Opening> {
        let player = hello.player;
        let store = &gateway.store;
        let rate = NonZeroU32::new(gateway.settings.gateway.messages_per_second).unwrap_or(NonZeroU32::MIN);
        store.presence.beat(&[player], muster_store::now()).await?;
        gateway.tell_connection(player, true).await;

        // From here on nothing is missed: what is pushed while the rest is looked up comes after this number.
        let (seq, resumed) = match hello.last_seq {
            Some(last) => {
                let replay = store.pushes.since(player, last).await?;
                // What the buffer no longer has cannot be told again: the client starts from the state below instead.
                if replay.complete { (last, true) } else { (store.pushes.seq(player).await?, false) }
            }
            None => (store.pushes.seq(player).await?, false),
        };
        let pushes = store.pushes.ordered(player, seq).await?;
        let playing = store.matches.running_of(player).await?;
        let current_match = match playing {
            // A match that cannot answer right now is no reason to refuse the socket: its events follow when it can.
            Some(match_id) => gateway.view_match(match_id).await.ok(),
            None => None,
        };
        let welcome = ServerMessage::Welcome {
            player_id: player,
            seq,
            resumed,
            heartbeat_secs: gateway.settings.gateway.heartbeat.as_secs() as u32,
            ticket: store.tickets.of_player(player).await?.map(|record| record.view()),
            current_match,
        };
        transport::send(socket, &welcome).await?;
        Ok(Self {
            gateway: gateway.clone(),
            player,
            pushes,
            playing,
            rate: RateLimiter::direct(Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST))),
        })
    }

    /// Requests in, answers and pushes out. One request at a time: while it is worked on, no further frame is read.
    async fn live(&mut self, socket: &mut WebSocket, place: &Place) -> End {
        match self.turn_over(socket, place).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn turn_over(&mut self, socket: &mut WebSocket, place: &Place) -> Result<std::convert::Infallible, End> {
        let silence = self.gateway.settings.gateway.heartbeat * 2;
        let gateway = self.gateway.clone();
        let mut heard = Instant::now();
        let mut work: Option<Work> = None;
        loop {
            tokio::select! {
                () = gateway.drain.cancelled() => return Err(End::Refused(Code::Draining)),
                () = place.replaced.cancelled() => return Err(End::Refused(Code::Replaced)),
                () = tokio::time::sleep_until(heard + silence) => return Err(End::Silent),
                push = self.pushes.next() => match push {
                    Ok(Some(NextPush::Item(item))) => transport::send_text(socket, item.text.into()).await?,
                    // It fell further behind than the buffer reaches: it comes back and starts from the state.
                    Ok(Some(NextPush::Gap { .. })) => return Err(End::Refused(Code::TooSlow)),
                    Ok(None) => return Err(End::Refused(Code::Internal)),
                    Err(error) => return Err(End::Refused(ApiError::from(error).code())),
                },
                answered = async { work.as_mut().expect("guarded by the condition").await }, if work.is_some() => {
                    work = None;
                    self.playing = answered.playing;
                    transport::send(socket, &answered.message).await?;
                }
                frame = socket.recv(), if work.is_none() => {
                    heard = Instant::now();
                    if let Some(text) = transport::read(frame)? {
                        match self.admit(&text) {
                            Ok(message) => {
                                work = Some(Box::pin(request::answer(gateway.clone(), self.player, message, self.playing)));
                            }
                            Err(error) => {
                                transport::send(socket, &transport::error(&error, id_of(&text))).await?;
                                if error.code() == Code::TooManyRequests {
                                    return Err(End::Refused(Code::TooManyRequests));
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn admit(&self, text: &Utf8Bytes) -> Result<ClientMessage, ApiError> {
        if self.rate.check().is_err() {
            return Err(Code::TooManyRequests.into());
        }
        transport::parse(text)
    }
}

/// How many seconds' worth of messages a socket may send at once.
const BURST: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

/// The request id of a message that could not be read as a whole, so that its sender can tell which one it was.
fn id_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("id")?.as_str().filter(|id| id.len() <= 64).map(str::to_owned)
}
