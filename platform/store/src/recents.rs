//! Whom a player has played against lately: a sorted set per player, opponents by when (ms). Kept for a day after the last. Beside
//! them, until newcomers have joined a running match: who is there.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

use crate::{Result, codec};

/// How long it is remembered, in seconds: as long as any queue can ask.
const KEPT_SECS: i64 = 24 * 60 * 60;

/// How long it is kept who plays in a match that is about to be joined, in seconds, past the moment until which a server may answer:
/// what is decided in time may be found out later.
const PRESENT_KEPT_SECS: i64 = 60 * 60;

/// How many opponents of a player are remembered: the newest. Each ticket brings them along, and each pass looks at them, so that they
/// are few: 64 matches of two, the last 8 of eight against eight. Queues and docs say so.
const KEPT: usize = 64;

/// Handle on the recent opponents.
#[derive(Clone)]
pub struct Recents {
    redis: ConnectionManager,
    prefix: String,
}

impl Recents {
    pub(crate) fn new(redis: ConnectionManager, prefix: String) -> Self {
        Self { redis, prefix }
    }

    /// These teams met. Players of one team are no opponents, unless it is the only one: then everybody played everybody.
    pub async fn met(&self, teams: &[Vec<PlayerId>], now: DateTime<Utc>) -> Result<()> {
        self.met_many(&[teams], now).await
    }

    /// The teams of each of these matches met; in one round trip.
    pub async fn met_many(&self, matches: &[impl AsRef<[Vec<PlayerId>]>], now: DateTime<Utc>) -> Result<()> {
        let mut writes = redis::pipe();
        for (player, opponents) in matches.iter().flat_map(|teams| pairings(teams.as_ref())) {
            let key = self.key(player);
            let met: Vec<(i64, String)> =
                opponents.iter().take(KEPT).map(|other| (now.timestamp_millis(), other.to_string())).collect();
            // Ranks count from the oldest: all but the newest go.
            let oldest = -(KEPT as isize) - 1;
            writes.zadd_multiple(&key, &met).ignore().zremrangebyrank(&key, 0, oldest).ignore();
            writes.expire(&key, KEPT_SECS).ignore();
        }
        if writes.is_empty() {
            return Ok(());
        }
        Ok(writes.query_async(&mut self.redis.clone()).await?)
    }

    /// Running matches are about to be joined, if somebody says so until a moment: the teams that are there, each by the id that the
    /// joining has as a match of its own. Kept for `joined`.
    pub async fn keep_present(&self, joins: &[(MatchId, Vec<Vec<PlayerId>>)], until: DateTime<Utc>) -> Result<()> {
        if joins.is_empty() {
            return Ok(());
        }
        let forgotten_at = until.timestamp() + PRESENT_KEPT_SECS;
        let mut writes = redis::pipe();
        for (join, teams) in joins {
            let key = self.present_key(*join);
            writes.set(&key, codec::to_json_text(teams)).ignore().expire_at(&key, forgotten_at).ignore();
        }
        Ok(writes.query_async(&mut self.redis.clone()).await?)
    }

    /// Newcomers joined the teams that were kept for them: all of these met. May be repeated.
    pub async fn joined(&self, join: MatchId, newcomers: &[Vec<PlayerId>], now: DateTime<Utc>) -> Result<()> {
        let mut redis = self.redis.clone();
        let key = self.present_key(join);
        let kept: Option<String> = redis.get(&key).await?;
        let present: Vec<Vec<PlayerId>> = match kept {
            Some(teams) => codec::from_json("the players of a running match", teams.as_bytes())?,
            None => Vec::new(),
        };
        let of = |teams: &[Vec<PlayerId>], team: usize| teams.get(team).cloned().unwrap_or_default();
        let count = newcomers.len().max(present.len());
        // Newcomers first: they are remembered where somebody meets more than are kept.
        let teams: Vec<Vec<PlayerId>> =
            (0..count).map(|team| [of(newcomers, team), of(&present, team)].concat()).collect();
        self.met(&teams, now).await?;
        Ok(redis.del(&key).await?)
    }

    /// Whom each of these players has met since a moment, the newest first; 64 at most of each. Players who met nobody are
    /// absent.
    pub async fn of(&self, players: &[PlayerId], since: DateTime<Utc>) -> Result<HashMap<PlayerId, Vec<PlayerId>>> {
        if players.is_empty() {
            return Ok(HashMap::new());
        }
        let mut reads = redis::pipe();
        for player in players {
            reads.zrevrangebyscore(self.key(*player), "+inf", since.timestamp_millis());
        }
        let found: Vec<Vec<String>> = reads.query_async(&mut self.redis.clone()).await?;
        let mut recents = HashMap::new();
        for (player, met) in players.iter().zip(found).filter(|(_, met)| !met.is_empty()) {
            let met = met.iter().map(|other| codec::parse("a recent opponent", other)).collect::<Result<_>>()?;
            recents.insert(*player, met);
        }
        Ok(recents)
    }

    fn key(&self, player: PlayerId) -> String {
        format!("{}{player}", self.prefix)
    }

    fn present_key(&self, join: MatchId) -> String {
        format!("{}{join}", self.prefix)
    }
}

/// Each player with their opponents; only those who have one.
fn pairings(teams: &[Vec<PlayerId>]) -> impl Iterator<Item = (PlayerId, Vec<PlayerId>)> + '_ {
    let alone = teams.len() == 1;
    teams
        .iter()
        .enumerate()
        .flat_map(move |(own, players)| {
            players.iter().map(move |player| {
                let others = teams.iter().enumerate().filter(move |(team, _)| alone || *team != own);
                let others = others.flat_map(|(_, players)| players).filter(|other| *other != player);
                (*player, others.copied().collect::<Vec<_>>())
            })
        })
        .filter(|(_, opponents)| !opponents.is_empty())
}
