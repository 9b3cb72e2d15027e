//! Tickets, in Redis: a player's wish to be matched, from the moment it is made until some minutes after it is over.
//!
//! ```text
//!            create                claim                settle
//! (nothing) ───────► waiting ───────────────► claimed ─────────► matched
//!                     │  ▲                       │
//!       cancel/expire │  └───────────────────────┘
//!                     ▼            release
//!            cancelled/expired
//! ```
//!
//! Every arrow is one script, so it happens wholly or not at all, and once. All keys share the hash tag `{mm}`: that a player
//! has one live ticket over *all* queues can only be seen to within one slot.
//!
//! | key after `<prefix>{mm}:` | type | holds |
//! | --- | --- | --- |
//! | `ticket:<id>` | hash | `queue`, `state`, `ticket` (JSON); while claimed `match` and `claimed_at` (ms); `match` when matched; `ended_at` (ms) when over |
//! | `player:<id>` | string | the id of the player's live ticket (waiting or claimed) |
//! | `key:<player>:<key>` | string | the id of the ticket that was made with this idempotency key |
//! | `pool:<queue>` | hash | what waits: id → ticket (JSON) |
//! | `claimed` | sorted set | what is claimed, by when (ms) |
//! | `queues` | set | the names of all queues that ever had a ticket |
//! | `revision:<queue>`, `changes:<queue>` | number, stream | each change to the pool in order, numbered by the revision |
//!
//! Redis must not evict (`maxmemory-policy noeviction`): a waiting ticket is nowhere else.

mod claim;
mod create;
mod finish;
mod keys;
mod pool;
mod record;
mod release;
mod settle;

use muster_core::id::{PlayerId, TicketId};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

use crate::Result;
use keys::Keys;

pub use claim::{Claim, ClaimedTicket};
pub use create::{Creation, NewTicket};
pub use finish::Cancellation;
pub use pool::{Changes, PoolSnapshot, TicketChange};
pub use record::TicketRecord;

/// How long a ticket that is over stays readable, in seconds.
const READABLE_SECS: u32 = 10 * 60;

/// How long an idempotency key is remembered, in seconds.
const KEY_SECS: u32 = 24 * 60 * 60;

/// How many changes to a pool are kept for leaders to follow; a leader that is further behind takes a snapshot.
const CHANGES_KEPT: u32 = 10_000;

/// Handle on the tickets.
#[derive(Clone)]
pub struct Tickets {
    redis: ConnectionManager,
    keys: Keys,
}

impl Tickets {
    pub(crate) fn new(redis: ConnectionManager, prefix: String) -> Self {
        Self { redis, keys: Keys::new(prefix) }
    }

    /// A ticket, while it lives and for 10 minutes after.
    pub async fn get(&self, ticket: TicketId) -> Result<Option<TicketRecord>> {
        let fields: record::Fields = self.redis.clone().hgetall(self.keys.ticket(ticket)).await?;
        fields.record()
    }

    /// The live ticket of a player: waiting or claimed.
    pub async fn of_player(&self, player: PlayerId) -> Result<Option<TicketRecord>> {
        let live: Option<String> = self.redis.clone().get(self.keys.player(player)).await?;
        match live {
            Some(ticket) => self.get(crate::codec::parse("a player's live ticket", &ticket)?).await,
            None => Ok(None),
        }
    }

    /// How many tickets wait, in all queues.
    pub async fn waiting_count(&self) -> Result<u64> {
        let queues: Vec<String> = self.redis.clone().smembers(self.keys.queues()).await?;
        if queues.is_empty() {
            return Ok(0);
        }
        let mut counts = redis::pipe();
        for queue in &queues {
            counts.hlen(self.keys.pool(queue));
        }
        let counts: Vec<u64> = counts.query_async(&mut self.redis.clone()).await?;
        Ok(counts.into_iter().sum())
    }

    /// How many tickets wait in one queue.
    pub async fn waiting_count_of(&self, queue: &str) -> Result<u64> {
        Ok(self.redis.clone().hlen(self.keys.pool(queue)).await?)
    }
}
