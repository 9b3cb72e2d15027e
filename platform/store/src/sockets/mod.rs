//! Which socket of a player is the newest, over all gateways: the newest plays, and those before it are told to go.
//!
//! A socket that says hello gets the player's next number here, then every gateway hears of it. One that holds an older socket of
//! the player lets it go. Of two that come in the same moment one has the higher number, and only the other is let go. Whoever
//! missed the news (the connection to NATS had broken) finds it when it compares what it holds with [`Sockets::newest`].
//!
//! | key after `<prefix>` | type | holds |
//! | --- | --- | --- |
//! | `socket:{<prefix>presence}:<player>` | number | the newest socket's; gone with that socket, or after a day |

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use async_nats::Subscriber;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use muster_core::id::PlayerId;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};

use crate::nats::Nats;
use crate::script::Script;
use crate::{Result, codec};

/// How long a number is kept, in seconds: longer than any gateway goes without comparing.
const KEPT_SECS: u32 = 24 * 60 * 60;

/// How many players one comparison asks for in one command.
const AT_ONCE: usize = 1_000;

static ENTER: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("enter.lua")]));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("leave.lua")]));

/// A socket that a player has opened, as every gateway hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOpened {
    /// Whose.
    #[serde(rename = "p")]
    pub player: PlayerId,
    /// Which: of a player's sockets the one with the highest number is the newest.
    #[serde(rename = "n")]
    pub number: u64,
}

/// Handle on the players' newest sockets.
#[derive(Clone)]
pub struct Sockets {
    redis: ConnectionManager,
    nats: Nats,
    presence: Arc<str>,
    players: Arc<str>,
}

impl Sockets {
    /// `presence` is the key of [`Presence`](crate::Presence); `prefix` stands before keys of its own.
    pub(crate) fn new(redis: ConnectionManager, nats: Nats, presence: String, prefix: &str) -> Self {
        // The tag keeps a player's number in the slot of the presence, which changes with it.
        let players = format!("{prefix}{{{presence}}}:").into();
        Self { redis, nats, presence: presence.into(), players }
    }

    /// Numbers a new socket of a player, who is online from now on.
    pub async fn enter(&self, player: PlayerId, now: DateTime<Utc>) -> Result<u64> {
        let mut call = ENTER.call(&self.presence);
        call.arg(&*self.players).arg(player.to_string()).arg(now.timestamp_millis()).arg(KEPT_SECS);
        Ok(call.invoke_async(&mut self.redis.clone()).await?)
    }

    /// Tells every gateway of a socket that was numbered. Best effort: who misses it finds it in [`Sockets::newest`].
    pub async fn announce(&self, opened: SocketOpened) -> Result<()> {
        self.nats.publish("telling of a socket", self.subject(), codec::to_message(&opened)).await
    }

    /// Every socket that is announced from now on, of all gateways.
    pub async fn announced(&self) -> Result<SocketStream> {
        Ok(SocketStream { subscriber: self.nats.subscribe("listening for sockets", self.subject()).await? })
    }

    /// A socket has ended. True when the player is offline now; false when a newer socket has them, so nothing was changed.
    pub async fn leave(&self, player: PlayerId, number: u64) -> Result<bool> {
        let mut call = LEAVE.call(&self.presence);
        call.arg(&*self.players).arg(player.to_string()).arg(number);
        Ok(call.invoke_async(&mut self.redis.clone()).await?)
    }

    /// The number of each player's newest socket, in order; none for who has no socket, as far as is known.
    pub async fn newest(&self, players: &[PlayerId]) -> Result<Vec<Option<u64>>> {
        let mut newest = Vec::with_capacity(players.len());
        for players in players.chunks(AT_ONCE) {
            let keys: Vec<_> = players.iter().map(|player| format!("{}{player}", self.players)).collect();
            let numbers: Vec<Option<u64>> = self.redis.clone().mget(&keys).await?;
            newest.extend(numbers);
        }
        Ok(newest)
    }

    fn subject(&self) -> String {
        self.nats.subject("socket.opened")
    }
}

/// Sockets as they are announced. What cannot be read is logged and skipped.
pub struct SocketStream {
    subscriber: Subscriber,
}

impl Stream for SocketStream {
    type Item = SocketOpened;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketOpened>> {
        loop {
            let Poll::Ready(message) = self.subscriber.poll_next_unpin(context) else { return Poll::Pending };
            let Some(message) = message else { return Poll::Ready(None) };
            match codec::from_message("news of a socket", &message.payload) {
                Ok(opened) => return Poll::Ready(Some(opened)),
                Err(error) => tracing::warn!(subject = %message.subject, %error, "skipping news of a socket"),
            }
        }
    }
}
