//! Messages to players. Each gets the player's next number and is kept for a while in Redis, then goes out over core NATS to
//! the gateway that holds the socket, or straight to it when that is this process. So any gateway can hold it, and a player who comes
//! back loses nothing.
//!
//! | key after `<prefix>push:` | type | holds |
//! | --- | --- | --- |
//! | `{<player>}:seq` | number | the last number |
//! | `{<player>}:at` | text | the inbox of the process that has the player's socket, or had it last |
//! | `{<player>}:latest` | list | the last 256 messages, as they go over the socket; gone 10 minutes after the last |

mod inbox;
mod ordered;

use std::sync::{Arc, LazyLock};

use muster_core::id::PlayerId;
use muster_core::wire::{Push, ServerMessage};
use redis::aio::ConnectionManager;
use redis::{AsyncCommands, FromRedisValue, ParsingError, Pipeline, Value};

use crate::nats::Nats;
use crate::script::Script;
use crate::{Result, StoreError, codec};

use inbox::Inbox;

pub use inbox::PushStream;
pub use ordered::{NextPush, OrderedPushes};

/// How many pushes a player's buffer keeps.
const KEPT: isize = 256;

/// How long the buffer is kept after its last push, in seconds.
const KEPT_SECS: u32 = 10 * 60;

/// How long a player's number is kept after the last push, in seconds.
const SEQ_SECS: u32 = 7 * 24 * 60 * 60;

/// How long it is remembered where a player's socket is, in seconds; readers remind Redis of it.
const AT_SECS: u64 = 24 * 60 * 60;

/// The most pushes that one call of the script numbers: Lua has room for some thousand values.
const ROW: usize = 64;

/// A push with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushItem {
    /// Grows by one with every push to this player; begins somewhere.
    pub seq: u64,
    /// The whole `ServerMessage` (JSON), ready for the socket.
    pub text: String,
}

impl PushItem {
    /// What is inside.
    pub fn push(&self) -> Result<Push> {
        match codec::from_json("a push", self.text.as_bytes())? {
            ServerMessage::Push { push, .. } => Ok(push),
            _ => Err(StoreError::corrupt("a push", "it is another message")),
        }
    }

    fn from_text(text: String) -> Result<Self> {
        #[derive(serde::Deserialize)]
        struct OnlySeq {
            seq: u64,
        }
        let OnlySeq { seq } = codec::from_json("a push", text.as_bytes())?;
        Ok(Self { seq, text })
    }
}

/// What a player missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Whether it is all of it: false when something was already dropped, or the number is not one of ours.
    pub complete: bool,
    /// In order. When not complete, what is left.
    pub items: Vec<PushItem>,
    /// The player's newest number; 0 when there is none.
    pub seq: u64,
}

/// Handle on the pushes.
#[derive(Clone)]
pub struct Pushes(Arc<Inner>);

struct Inner {
    redis: ConnectionManager,
    nats: Nats,
    prefix: String,
    inbox: Arc<Inbox>,
}

/// What send.lua answers.
struct Numbered {
    /// The number of the last push.
    last: u64,
    /// The inbox of whoever has the player's socket.
    at: Option<String>,
}

impl FromRedisValue for Numbered {
    fn from_redis_value(value: Value) -> std::result::Result<Self, ParsingError> {
        let (last, at) = FromRedisValue::from_redis_value(value)?;
        Ok(Self { last, at })
    }
}

static SEND: LazyLock<Script> = LazyLock::new(|| script(include_str!("send.lua")));
static SEQ: LazyLock<Script> = LazyLock::new(|| script(include_str!("seq.lua")));

/// A script after the numbers it uses.
fn script(own: &str) -> Script {
    let numbers = format!("local KEPT, KEPT_SECS, SEQ_SECS = {KEPT}, {KEPT_SECS}, {SEQ_SECS}\n");
    Script::new(&[&numbers, own])
}

/// The whole message as it goes over the socket, as send.lua keeps it.
fn message(seq: u64, push: &str) -> String {
    format!(r#"{{"type":"push","seq":{seq},"push":{push}}}"#)
}

impl Pushes {
    pub(crate) fn new(redis: ConnectionManager, nats: Nats, prefix: String) -> Self {
        Self(Arc::new(Inner { redis, nats, prefix, inbox: Arc::new(Inbox::new()) }))
    }

    /// Sends a push and returns its number. When this succeeds the player gets it, now or when they come back.
    pub async fn send(&self, player: PlayerId, push: &Push) -> Result<u64> {
        let push = codec::to_json_text(push);
        let mut call = SEND.call(&self.key(player));
        let sent: Numbered = call.arg(&push).invoke_async(&mut self.0.redis.clone()).await?;
        self.publish(player, &sent, sent.last, &push).await;
        Ok(sent.last)
    }

    /// Sends many pushes, in one round trip, and returns their numbers, in order. Those to one player come in this order;
    /// those of one player in a row are numbered and kept by one call of the script.
    ///
    /// # Errors
    /// Of Redis: then each of them may have been kept, or not; what was kept is found by a player who looks.
    pub async fn send_many(&self, pushes: &[(PlayerId, Push)]) -> Result<Vec<u64>> {
        if pushes.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<(PlayerId, String)> =
            pushes.iter().map(|(player, push)| (*player, codec::to_json_text(push))).collect();
        let rows: Vec<&[(PlayerId, String)]> =
            texts.chunk_by(|(one, _), (next, _)| one == next).flat_map(|row| row.chunks(ROW)).collect();
        let mut batch = SEND.batch(rows.len());
        for row in &rows {
            let call = batch.call(&self.key(row[0].0));
            row.iter().for_each(|(_, push)| {
                call.arg(push);
            });
        }
        let sent: Vec<Numbered> = batch.run(&self.0.redis).await?;
        let mut seqs = Vec::with_capacity(pushes.len());
        for (row, sent) in rows.iter().zip(sent) {
            let first = sent.last + 1 - row.len() as u64;
            for ((player, push), seq) in row.iter().zip(first..) {
                self.publish(*player, &sent, seq, push).await;
                seqs.push(seq);
            }
        }
        Ok(seqs)
    }

    /// Sends one push to several different players, in one round trip, and returns their numbers, in order.
    ///
    /// # Errors
    /// Of Redis: then it may have been kept for some of them, or for none.
    pub async fn send_to_all(&self, players: &[PlayerId], push: &Push) -> Result<Vec<u64>> {
        let push = codec::to_json_text(push);
        let keys: Vec<String> = players.iter().map(|player| self.key(*player)).collect();
        let sent: Vec<Numbered> = SEND.for_each(&keys, &push, &self.0.redis).await?;
        for (player, sent) in players.iter().zip(&sent) {
            self.publish(*player, sent, sent.last, &push).await;
        }
        Ok(sent.iter().map(|sent| sent.last).collect())
    }

    async fn publish(&self, player: PlayerId, sent: &Numbered, seq: u64, push: &str) {
        // Nobody has the player's socket: it is kept until they come.
        let Some(at) = &sent.at else { return };
        let text = message(seq, push);
        if at == self.0.inbox.id() {
            self.0.inbox.deliver(player, PushItem { seq, text });
            return;
        }
        let subject = self.0.nats.subject(format_args!("push.{at}.{player}"));
        if let Err(error) = self.0.nats.publish("pushing to a player", subject, text.into()).await {
            // It is kept: the gateway finds it when it looks for what it missed.
            tracing::warn!(player_id = %player, %error, "a push was kept, but not sent");
        }
    }

    /// Pushes to a player as they are sent, from the moment this returns. They may come out of order or, when the connection
    /// to NATS broke or the reader is slow, not at all: `ordered` mends both. They go to the process that asked last.
    pub async fn subscribe(&self, player: PlayerId) -> Result<PushStream> {
        let stream = self.0.inbox.read(&self.0.nats, player).await?;
        let () = self.0.redis.clone().set_ex(self.key(player) + "at", self.0.inbox.id(), AT_SECS).await?;
        Ok(stream)
    }

    /// What was pushed after a number.
    pub async fn since(&self, player: PlayerId, last_seq: u64) -> Result<Replay> {
        self.kept(player, last_seq, redis::pipe()).await
    }

    /// The same; and should Redis have forgotten where the player's socket is, it is here. A newer one elsewhere stays.
    async fn since_here(&self, player: PlayerId, last_seq: u64) -> Result<Replay> {
        let mut first = redis::pipe();
        let at = first.cmd("SET").arg(self.key(player) + "at").arg(self.0.inbox.id());
        at.arg("NX").arg("EX").arg(AT_SECS).ignore();
        self.kept(player, last_seq, first).await
    }

    async fn kept(&self, player: PlayerId, last_seq: u64, mut pipe: Pipeline) -> Result<Replay> {
        let (seq, latest): (Option<u64>, Vec<String>) = pipe
            .atomic()
            .get(self.key(player) + "seq")
            .lrange(self.key(player) + "latest", 0, -1)
            .query_async(&mut self.0.redis.clone())
            .await?;
        let seq = seq.unwrap_or_default();
        let mut items = latest.into_iter().map(PushItem::from_text).collect::<Result<Vec<_>>>()?;
        items.retain(|item| item.seq > last_seq);
        let complete =
            last_seq == seq || (last_seq < seq && items.first().is_some_and(|item| item.seq == last_seq + 1));
        Ok(Replay { complete, items, seq })
    }

    /// The player's newest number. A player who was never pushed to gets a number to begin at, so that what follows this call
    /// follows this number without a gap.
    pub async fn seq(&self, player: PlayerId) -> Result<u64> {
        Ok(SEQ.call(&self.key(player)).invoke_async(&mut self.0.redis.clone()).await?)
    }

    /// What a player's keys begin with; the tag keeps them in one slot.
    fn key(&self, player: PlayerId) -> String {
        format!("{}{{{player}}}:", self.0.prefix)
    }
}
