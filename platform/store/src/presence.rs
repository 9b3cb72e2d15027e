//! Who is online: a sorted set of players by their last sign of life. Derived; it mends itself within [`PRESENCE_TTL`].

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::PlayerId;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

use crate::Result;

/// How long a sign of life counts. Gateways beat for their sockets well within it.
pub const PRESENCE_TTL: Duration = Duration::from_secs(30);

/// How many players one command asks for at most, so that nobody else waits long for Redis.
const AT_ONCE: usize = 1_000;

/// Handle on the presence.
#[derive(Clone)]
pub struct Presence {
    redis: ConnectionManager,
    key: String,
}

impl Presence {
    pub(crate) fn new(redis: ConnectionManager, key: String) -> Self {
        Self { redis, key }
    }

    /// These players are online now. One round trip for every thousand.
    pub async fn beat(&self, players: &[PlayerId], now: DateTime<Utc>) -> Result<()> {
        for players in players.chunks(AT_ONCE) {
            let beats: Vec<(i64, String)> =
                players.iter().map(|player| (now.timestamp_millis(), player.to_string())).collect();
            let () = redis::pipe()
                .zadd_multiple(&self.key, &beats)
                .ignore()
                .zrembyscore(&self.key, "-inf", silent_since(now))
                .ignore()
                .query_async(&mut self.redis.clone())
                .await?;
        }
        Ok(())
    }

    /// This player is gone.
    pub async fn leave(&self, player: PlayerId) -> Result<()> {
        Ok(self.redis.clone().zrem(&self.key, player.to_string()).await?)
    }

    /// Whether a player is online.
    pub async fn online(&self, player: PlayerId, now: DateTime<Utc>) -> Result<bool> {
        let beat: Option<f64> = self.redis.clone().zscore(&self.key, player.to_string()).await?;
        Ok(beat.is_some_and(|beat| beat > silent_since(now) as f64))
    }

    /// When each of these players was last heard of, in their order; none of whom nothing is known any more: gone, or silent for
    /// longer than [`PRESENCE_TTL`]. One round trip for every thousand.
    pub async fn last_beats(&self, players: &[PlayerId]) -> Result<Vec<Option<DateTime<Utc>>>> {
        let mut beats = Vec::with_capacity(players.len());
        for players in players.chunks(AT_ONCE) {
            let players: Vec<String> = players.iter().map(PlayerId::to_string).collect();
            let scores: Vec<Option<f64>> = self.redis.clone().zscore_multiple(&self.key, &players).await?;
            beats.extend(scores.into_iter().map(|ms| DateTime::from_timestamp_millis(ms? as i64)));
        }
        Ok(beats)
    }

    /// How many players are online.
    pub async fn count(&self, now: DateTime<Utc>) -> Result<u64> {
        Ok(self.redis.clone().zcount(&self.key, format!("({}", silent_since(now)), "+inf").await?)
    }
}

/// Who was heard of at this moment (ms) or before is not online any more.
fn silent_since(now: DateTime<Utc>) -> i64 {
    (now - PRESENCE_TTL).timestamp_millis()
}
