//! Running matches that want players: they wait in a shard as tickets do.

use std::sync::LazyLock;

use muster_core::id::MatchId;
use muster_core::matchmaking::Backfill;
use redis::AsyncCommands;

use super::{Shard, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError, codec};

/// What became of a running match's wish for players.
#[derive(Debug, Clone, PartialEq)]
pub enum BackfillOpening {
    /// It waits.
    Opened,
    /// The match has a wish already: this one.
    Exists {
        /// Where it waits.
        shard: Shard,
        /// The wish.
        backfill: Backfill,
    },
    /// The shard has as many wishes as it takes: 10,000.
    Full,
}

/// The most wishes of one shard.
const MOST: u32 = 10_000;

static OPEN: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("backfill_open.lua")]));
static CLOSE: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("backfill_close.lua")]));

impl Tickets {
    /// Makes a running match's wish for players, unless it has one.
    pub async fn open_backfill(&self, shard: &Shard, backfill: &Backfill) -> Result<BackfillOpening> {
        let mut call = OPEN.call(self.keys.prefix());
        call.arg(backfill.backfill_id.to_string())
            .arg(backfill.match_id.to_string())
            .arg(shard.to_string())
            .arg(codec::to_json_text(backfill))
            .arg(MOST);
        let mut answer: Answer = call.invoke_async(&mut self.redis.clone()).await?;
        match answer.outcome.as_str() {
            "opened" => Ok(BackfillOpening::Opened),
            "exists" => Ok(BackfillOpening::Exists {
                shard: codec::parse("a backfill's shard", &answer.take::<String>()?)?,
                backfill: from_json(&answer.take::<String>()?)?,
            }),
            "full" => Ok(BackfillOpening::Full),
            other => Err(StoreError::corrupt("the answer of backfill_open.lua", other)),
        }
    }

    /// Takes the wish of a match back, and returns it; None when it has none (any more): it was never made, or players are found
    /// for it.
    pub async fn close_backfill(&self, match_id: MatchId) -> Result<Option<Backfill>> {
        let mut call = CLOSE.call(self.keys.prefix());
        let found: Option<String> = call.arg(match_id.to_string()).invoke_async(&mut self.redis.clone()).await?;
        found.as_deref().map(from_json).transpose()
    }

    /// The wish of a match, and where it waits.
    pub async fn backfill_of(&self, match_id: MatchId) -> Result<Option<(Shard, Backfill)>> {
        let mut redis = self.redis.clone();
        let live: Option<String> = redis.get(self.keys.backfill(match_id)).await?;
        let Some(live) = live else { return Ok(None) };
        let (shard, id) = live.split_once(' ').ok_or_else(|| StoreError::corrupt("a backfill", format!("`{live}`")))?;
        let shard: Shard = codec::parse("a backfill's shard", shard)?;
        // Gone between the two looks: then it is gone.
        let found: Option<String> = redis.hget(self.keys.backfills(&shard), id).await?;
        found.map(|backfill| Ok((shard, from_json(&backfill)?))).transpose()
    }

    /// All wishes of a shard, the longest waiting first.
    pub async fn backfills(&self, shard: &Shard) -> Result<Vec<Backfill>> {
        let found: Vec<String> = self.redis.clone().hvals(self.keys.backfills(shard)).await?;
        sorted(&found)
    }
}

pub(super) fn sorted(found: &[String]) -> Result<Vec<Backfill>> {
    let mut backfills = found.iter().map(|backfill| from_json(backfill)).collect::<Result<Vec<_>>>()?;
    backfills.sort_by_key(|backfill| (backfill.requested_at, backfill.backfill_id));
    Ok(backfills)
}

pub(super) fn from_json(text: &str) -> Result<Backfill> {
    codec::from_json("a backfill", text.as_bytes())
}
