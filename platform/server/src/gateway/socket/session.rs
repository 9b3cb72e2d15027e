//! The life of one socket: hello, what was missed, then requests and pushes until somebody leaves.

use std::future::Future;
use std::pin::Pin;

use axum::extract::ws::{Utf8Bytes, WebSocket};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, ServerMessage};
use muster_store::{NextPush, OrderedPushes, StoreError};
use tokio::time::Instant;

use super::request::{self, Answered};
use super::transport::{self, End};
use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::actions::{Told, told};
use crate::gateway::roster::Place;
use crate::gateway::{Gateway, limits};

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

    // Boxed, here and below: what is long over, or comes only at the end, must not take room for as long as the socket idles.
    let (end, playing) = match Box::pin(Session::open(gateway, hello)).await {
        Ok((mut session, welcome)) => {
            let end = match transport::send(socket, &welcome).await {
                Ok(()) => session.live(socket, &place).await,
                Err(end) => end,
            };
            (end, session.playing)
        }
        Err(error) => (End::Refused(ApiError::from(error).code()), None),
    };

    if gateway.roster.leave(&place) {
        if let Err(error) = Box::pin(gateway.store.presence.leave(player)).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "presence could not be taken back; it ends by itself"
            );
        }
        // While draining the player is only moving to another server: the match need not know.
        if let Some(match_id) = playing
            && !gateway.drain.is_cancelled()
        {
            Box::pin(gateway.tell_connection(match_id, player, false)).await;
        }
    }
    events::socket_closed(player, end.reason());
    end
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
    /// Subscribes, and looks up what the welcome says. What was missed comes first among the pushes.
    async fn open(gateway: &Gateway, hello: Hello) -> Result<(Self, ServerMessage), StoreError> {
        let player = hello.player;
        let store = &gateway.store;
        store.presence.beat(&[player], muster_store::now()).await?;

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
        let mut playing = store.matches.running_of(player).await?;
        let mut current_match = match playing {
            Some(match_id) => {
                gateway.tell_connection(match_id, player, true).await;
                // A match that cannot answer right now is no reason to refuse the socket: its events follow when it can.
                gateway.view_match(match_id).await.ok()
            }
            None => None,
        };
        let ticket = store.tickets.of_player(player).await?.map(|record| record.view());
        if !resumed && playing.is_none() && ticket.is_some() {
            // A match that cannot answer now is told of later, as above.
            current_match = gateway.just_found(player).await.unwrap_or_default();
            playing = current_match.as_ref().map(|view| view.match_id);
        }
        let welcome = ServerMessage::Welcome {
            player_id: player,
            seq,
            resumed,
            heartbeat_secs: gateway.settings.gateway.heartbeat.as_secs() as u32,
            ticket,
            current_match,
        };
        let session = Self {
            gateway: gateway.clone(),
            player,
            pushes,
            playing,
            rate: RateLimiter::direct(limits::quota(gateway.settings.gateway.messages_per_second, BURST)),
        };
        Ok((session, welcome))
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
        // One timer for the life of the socket: it is moved when it goes off, not with every frame.
        let mut silent = Box::pin(tokio::time::sleep_until(heard + silence));
        let drained = gateway.drain.clone().cancelled_owned();
        let replaced = place.replaced.clone().cancelled_owned();
        tokio::pin!(drained, replaced);
        let mut work: Option<Work> = None;
        loop {
            tokio::select! {
                () = &mut drained => return Err(End::Refused(Code::Draining)),
                () = &mut replaced => return Err(End::Refused(Code::Replaced)),
                () = &mut silent => {
                    if heard.elapsed() >= silence {
                        return Err(End::Silent);
                    }
                    silent.as_mut().reset(heard + silence);
                }
                push = self.pushes.next() => match push {
                    Ok(Some(NextPush::Item(item))) => {
                        // Nobody is told of a match but its players: no need to look that up at their first move.
                        match told(&item.text) {
                            Told::Found(match_id) => self.playing = Some(match_id),
                            Told::Ended => self.playing = None,
                            Told::Nothing => {}
                        }
                        transport::send_text(socket, item.text.into()).await?;
                    }
                    // It fell further behind than the buffer reaches: it comes back and starts from the state.
                    Ok(Some(NextPush::Gap { .. })) => return Err(End::Refused(Code::TooSlow)),
                    Ok(None) => return Err(End::Refused(Code::Internal)),
                    Err(error) => return Err(End::Refused(ApiError::from(error).code())),
                },
                answered = async { work.as_mut().expect("guarded by the condition").await }, if work.is_some() => {
                    work = None;
                    self.playing = answered.playing.or(self.playing);
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
const BURST: u32 = 2;

/// The request id of a message that could not be read as a whole, so that its sender can tell which one it was.
fn id_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("id")?.as_str().filter(|id| id.len() <= 64).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F>(_: impl Fn(Gateway, WebSocket) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_socket_that_idles_costs_little() {
        // Of the 12 KiB that an idle socket may take in all.
        let size = size_of_future(run);
        assert!(size <= 5 * 1024, "{size} bytes");
    }
}
