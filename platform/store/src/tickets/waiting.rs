//! How much waits where, and how long it is thought to.

use redis::AsyncCommands;

use super::{Shard, Tickets};
use crate::{Result, codec};

/// What is not over in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShard {
    /// The shard: also of a group that is gone.
    pub shard: Shard,
    /// Tickets that wait.
    pub waiting: u64,
    /// Proposals that are not decided.
    pub proposals: u64,
}

/// How long an estimate is believed that nobody renews, in seconds.
const ESTIMATE_SECS: u64 = 10 * 60;

impl Tickets {
    /// All shards that ever had a ticket, in order: also those of groups and queues that are gone.
    pub async fn shards(&self) -> Result<Vec<Shard>> {
        let shards: Vec<String> = self.redis.clone().smembers(self.keys.shards()).await?;
        let mut shards: Vec<Shard> =
            shards.iter().map(|shard| codec::parse("a shard", shard)).collect::<Result<_>>()?;
        shards.sort_unstable();
        Ok(shards)
    }

    /// Every shard that ever had a ticket, in order, with what is not over there. What is claimed is not among it.
    pub async fn open_shards(&self) -> Result<Vec<OpenShard>> {
        let shards = self.shards().await?;
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let mut counts = redis::pipe();
        for shard in &shards {
            counts.hlen(self.keys.pool(shard)).zcard(self.keys.proposals(shard));
        }
        let counts: Vec<u64> = counts.query_async(&mut self.redis.clone()).await?;
        let open = shards.into_iter().zip(counts.chunks_exact(2));
        Ok(open.map(|(shard, counts)| OpenShard { shard, waiting: counts[0], proposals: counts[1] }).collect())
    }

    /// How many tickets wait in each group of a queue that ever had one.
    pub async fn waiting(&self, queue: &str) -> Result<Vec<(String, u64)>> {
        let mut shards = self.shards().await?;
        shards.retain(|shard| shard.queue == queue);
        let counts = self.counts(&shards).await?;
        Ok(shards.into_iter().map(|shard| shard.group).zip(counts).collect())
    }

    /// How many tickets wait, in all queues.
    pub async fn waiting_count(&self) -> Result<u64> {
        Ok(self.counts(&self.shards().await?).await?.into_iter().sum())
    }

    /// How many tickets wait in one queue.
    pub async fn waiting_count_of(&self, queue: &str) -> Result<u64> {
        Ok(self.waiting(queue).await?.into_iter().map(|(_, tickets)| tickets).sum())
    }

    async fn counts(&self, shards: &[Shard]) -> Result<Vec<u64>> {
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let mut counts = redis::pipe();
        for shard in shards {
            counts.hlen(self.keys.pool(shard));
        }
        Ok(counts.query_async(&mut self.redis.clone()).await?)
    }

    /// Says how long tickets have waited in a shard lately, in milliseconds; None: nobody knows. It is believed for 10 minutes.
    pub async fn set_estimate(&self, shard: &Shard, wait_ms: Option<u64>) -> Result<()> {
        let (mut redis, key) = (self.redis.clone(), self.keys.estimate(shard));
        match wait_ms {
            Some(wait_ms) => Ok(redis.set_ex(key, wait_ms, ESTIMATE_SECS).await?),
            None => Ok(redis.del(key).await?),
        }
    }
}
