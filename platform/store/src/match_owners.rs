//! Which running matches have a referee that says so: a sorted set of matches by their referee's last sign of life. It is a
//! hint for the sweep that finds orphans; what makes two referees harmless is the fence of the match log.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

use crate::{Result, codec};

/// Handle on the signs of life.
#[derive(Clone)]
pub struct MatchOwners {
    redis: ConnectionManager,
    key: String,
}

impl MatchOwners {
    pub(crate) fn new(redis: ConnectionManager, key: String) -> Self {
        Self { redis, key }
    }

    /// These matches have their referee, now.
    pub async fn beat(&self, matches: &[MatchId], now: DateTime<Utc>) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        let beats: Vec<(i64, String)> = matches.iter().map(|id| (now.timestamp_millis(), id.to_string())).collect();
        Ok(self.redis.clone().zadd_multiple(&self.key, &beats).await?)
    }

    /// These matches need none any more.
    pub async fn remove(&self, matches: &[MatchId]) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        let matches: Vec<String> = matches.iter().map(MatchId::to_string).collect();
        Ok(self.redis.clone().zrem(&self.key, matches).await?)
    }

    /// Matches whose referee was last heard of before a moment, longest silent first. A match that never had a beat is not
    /// here: `Matches::unfinished` knows all of them.
    pub async fn orphans(&self, beat_before: DateTime<Utc>) -> Result<Vec<MatchId>> {
        let before = format!("({}", beat_before.timestamp_millis());
        let matches: Vec<String> = self.redis.clone().zrangebyscore(&self.key, "-inf", before).await?;
        matches.iter().map(|id| codec::parse("an owned match", id)).collect()
    }
}
