//! Which running matches have a referee that says so: a sorted set of matches by their referee's last sign of life. It is a
//! hint for the sweep that finds orphans; what makes two referees harmless is the fence of the match log.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use redis::aio::ConnectionManager;
use redis::{AsyncCommands, SortedSetAddOptions};

use crate::script::Script;
use crate::{Result, codec};

/// How many matches one command names at most, so that nobody else waits long for Redis.
const AT_ONCE: usize = 1_000;

/// Handle on the signs of life.
#[derive(Clone)]
pub struct MatchOwners {
    redis: ConnectionManager,
    key: String,
}

/// Takes the longest silent matches by giving a sign of life for them: so of many who look at the same time each gets others.
///
/// KEYS  1 the sorted set
/// ARGV  1 silent before this moment (ms)  2 now (ms)  3 how many at most
/// returns their ids
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&[r"
local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(silent) do redis.call('ZADD', KEYS[1], ARGV[2], id) end
return silent
"])
});

impl MatchOwners {
    pub(crate) fn new(redis: ConnectionManager, key: String) -> Self {
        Self { redis, key }
    }

    /// These matches have their referee, now.
    pub async fn beat(&self, matches: &[MatchId], now: DateTime<Utc>) -> Result<()> {
        for matches in matches.chunks(AT_ONCE) {
            let beats = scores(matches, now);
            let () = self.redis.clone().zadd_multiple(&self.key, &beats).await?;
        }
        Ok(())
    }

    /// These matches run: those of which nobody has said so count as silent for ever, so that the next who looks takes them.
    /// Nothing changes for the others.
    pub async fn enlist(&self, matches: &[MatchId]) -> Result<()> {
        let only_new = SortedSetAddOptions::add_only();
        for matches in matches.chunks(AT_ONCE) {
            let never = scores(matches, DateTime::UNIX_EPOCH);
            let () = self.redis.clone().zadd_multiple_options(&self.key, &never, &only_new).await?;
        }
        Ok(())
    }

    /// These matches need none any more.
    pub async fn remove(&self, matches: &[MatchId]) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        let matches: Vec<String> = matches.iter().map(MatchId::to_string).collect();
        Ok(self.redis.clone().zrem(&self.key, matches).await?)
    }

    /// Takes up to `limit` matches whose referee was last heard of before a moment, longest silent first: they count as beaten for
    /// now, so nobody else gets them unless they stay silent as long again. A match that never had a beat is not among them:
    /// `Matches::unfinished` knows all of them.
    pub async fn take_orphans(
        &self,
        beat_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<MatchId>> {
        let taken: Vec<String> = TAKE
            .call(&self.key)
            .arg(beat_before.timestamp_millis())
            .arg(now.timestamp_millis())
            .arg(limit)
            .invoke_async(&mut self.redis.clone())
            .await?;
        taken.iter().map(|id| codec::parse("an owned match", id)).collect()
    }

    /// Matches whose referee was last heard of before a moment, longest silent first, without taking them.
    pub async fn orphans(&self, beat_before: DateTime<Utc>) -> Result<Vec<MatchId>> {
        let before = format!("({}", beat_before.timestamp_millis());
        let matches: Vec<String> = self.redis.clone().zrangebyscore(&self.key, "-inf", before).await?;
        matches.iter().map(|id| codec::parse("an owned match", id)).collect()
    }
}

fn scores(matches: &[MatchId], beat: DateTime<Utc>) -> Vec<(i64, String)> {
    matches.iter().map(|id| (beat.timestamp_millis(), id.to_string())).collect()
}
