//! The life of one socket: hello, what was missed, then requests and pushes until somebody leaves.

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures::StreamExt;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, ServerMessage};
use muster_store::{NextPush, OrderedPushes, SocketOpened, StoreError};
use tokio::time::Instant;

use super::hello::{self, Hello};
use super::leave::let_go;
use super::request::{self, Change, Work};
use super::silence::{self, Silence};
use super::transport::{self, End};
use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::actions::{Told, told};
use crate::gateway::roster::Place;
use crate::gateway::watch::Watchers;
use crate::gateway::{Gateway, limits};

/// How many seconds' worth of messages a socket may send at once.
const BURST: u32 = 2;

/// Serves a socket from its first frame to its last.
pub(super) async fn run(gateway: Gateway, mut socket: WebSocket) {
    let hello = tokio::time::timeout(gateway.settings.gateway.hello_timeout, hello::hear(&gateway, &mut socket)).await;
    let end = match hello.unwrap_or(Err(End::Refused(Code::HelloExpected))) {
        Ok(hello) => serve(&gateway, &mut socket, hello).await,
        Err(end) => end,
    };
    transport::close(socket, end).await;
}

/// Enters the player, serves the socket, and lets the player go.
async fn serve(gateway: &Gateway, socket: &mut WebSocket, hello: Hello) -> End {
    let player = hello.player;
    let resumed = hello.last_seq.is_some();
    let place = gateway.roster.enter(player);
    events::socket_opened(player, resumed);

    // Boxed, here and below: what is long over, or comes only at the end, must not take room for as long as the socket idles.
    let (end, playing) = match Box::pin(Session::open(gateway, hello, &place)).await {
        Ok((mut session, welcome)) => {
            let end = match transport::send(socket, &welcome).await {
                Ok(()) => session.live(socket, &place).await,
                Err(end) => end,
            };
            (end, session.playing)
        }
        Err(error) => (End::Refused(ApiError::from(error).code()), None),
    };

    // While draining the player is only moving to another server: neither the match nor anybody else need know.
    if let Some(number) = gateway.roster.leave(&place)
        && !gateway.drain.is_cancelled()
    {
        Box::pin(let_go(gateway, player, number, playing)).await;
    }
    events::socket_closed(player, end.reason());
    end
}

struct Session {
    gateway: Gateway,
    player: PlayerId,
    pushes: OrderedPushes,
    playing: Option<MatchId>,
    /// Hardly any socket watches: those that do not pay nothing for it.
    watchers: Option<Box<Watchers>>,
    rate: DefaultDirectRateLimiter,
}

impl Session {
    /// Subscribes, and looks up what the welcome says. What was missed comes first among the pushes.
    async fn open(gateway: &Gateway, hello: Hello, place: &Place) -> Result<(Self, ServerMessage), StoreError> {
        let player = hello.player;
        let store = &gateway.store;
        let number = store.sockets.enter(player, muster_store::now()).await?;
        gateway.roster.number(place, number);
        if let Err(error) = store.sockets.announce(SocketOpened { player, number }).await {
            tracing::warn!(player_id = %player, error = &error as &dyn std::error::Error, "other gateways could not be told of a socket; they find out");
        }

        // From here on nothing is missed: what is pushed while the rest is looked up comes after this number.
        let (seq, resumed) = match hello.last_seq {
            Some(last) => {
                let replay = store.pushes.since(player, last).await?;
                // What the buffer no longer has cannot be told again: the client starts from the state below instead. So does one
                // who was never told anything; the first push then follows the number that is made here.
                if replay.complete && replay.seq > 0 { (last, true) } else { (store.pushes.seq(player).await?, false) }
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
            watchers: None,
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
        let gateway = self.gateway.clone();
        let mut heard = Instant::now();
        let patience = silence::patience(gateway.settings.gateway.heartbeat);
        // One timer for the life of the socket: it is moved when it goes off, not with every frame.
        let mut silent = Box::pin(tokio::time::sleep_until(heard + patience));
        let drained = gateway.drain.clone().cancelled_owned();
        let replaced = place.replaced.clone().cancelled_owned();
        tokio::pin!(drained, replaced);
        let mut work: Option<Work> = None;
        loop {
            tokio::select! {
                () = &mut drained => return Err(End::Refused(Code::Draining)),
                () = &mut replaced => return Err(End::Refused(Code::Replaced)),
                () = &mut silent => {
                    let next = match Silence::of(heard.elapsed(), patience) {
                        Silence::None => heard + patience,
                        Silence::Ping => {
                            // Any WebSocket answers this by itself; a dead one never does.
                            transport::write(socket, Message::Ping(Default::default())).await?;
                            heard + patience * 2
                        }
                        Silence::Gone => return Err(End::Silent),
                    };
                    silent.as_mut().reset(next);
                }
                push = self.pushes.next() => match push {
                    Ok(Some(NextPush::Item(item))) => {
                        // Nobody is told of a match but its players: no need to look that up at their first move.
                        match told(&item.text) {
                            Told::Found(match_id) => self.playing = Some(match_id),
                            Told::Ended => self.playing = None,
                            Told::Nothing => {}
                        }
                        transport::write(socket, Message::Text(item.text.into())).await?;
                    }
                    // It fell further behind than the buffer reaches: it comes back and starts from the state.
                    Ok(Some(NextPush::Gap { .. })) => return Err(End::Refused(Code::TooSlow)),
                    Ok(None) => return Err(End::Refused(Code::Internal)),
                    Err(error) => return Err(End::Refused(ApiError::from(error).code())),
                },
                answered = async { work.as_mut().expect("guarded by the condition").await }, if work.is_some() => {
                    work = None;
                    transport::send(socket, &answered.message).await?;
                    // After the answer: what is watched begins with a message of its own.
                    self.change(answered.change);
                }
                watched = async { self.watchers.as_mut().expect("guarded by the condition").next().await }, if self.watchers.is_some() => {
                    match watched {
                        Some(message) => transport::send(socket, &message).await?,
                        None => self.watchers = None,
                    }
                }
                frame = socket.recv(), if work.is_none() => {
                    heard = Instant::now();
                    // Of any kind: pings cost as much as messages.
                    let flooding = self.rate.check().is_err();
                    if let Some(text) = transport::read(frame)? && !flooding {
                        match self.admit(&text) {
                            Ok(message) => {
                                work = Some(request::answer(&gateway, self.player, message, self.playing));
                            }
                            Err(error) => transport::send(socket, &transport::error(&error, id_of(&text))).await?,
                        }
                    }
                    if flooding {
                        transport::send(socket, &transport::error(&Code::TooManyRequests.into(), None)).await?;
                        return Err(End::Refused(Code::TooManyRequests));
                    }
                }
            }
        }
    }

    /// Reads a message, unless its player has sent too many.
    fn admit(&self, text: &Utf8Bytes) -> Result<ClientMessage, ApiError> {
        limits::count(&self.gateway.player_limit, &self.player)?;
        let message = transport::parse(text)?;
        if let ClientMessage::MatchWatch { match_id, .. } = &message
            && self.watchers.as_ref().is_some_and(|watchers| !watchers.has_room_for(*match_id))
        {
            return Err(Code::TooManyWatched.into());
        }
        Ok(message)
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::None => {}
            Change::Playing(match_id) => self.playing = Some(match_id),
            Change::Watch(watcher) => {
                events::watch_began(watcher.match_id(), self.player);
                self.watchers.get_or_insert_default().add(*watcher);
            }
            Change::Unwatch(match_id) => {
                if let Some(watchers) = &mut self.watchers {
                    watchers.remove(match_id);
                }
            }
        }
    }
}

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
