//! Tickets, in Redis: the wish of players to be matched, from the moment it is made until some minutes after it is over.
//!
//! ```text
//!            create                claim                settle
//! (nothing) ───────► waiting ───────────────► claimed ─────────► matched
//!                    │ │  ▲ ▲     release        │ ▲
//!         cancel/end │ │  │ └────────────────────┘ │
//!                    │ │  │ dissolve               │ confirm
//!                    │ │  └───────────── proposed ─┘
//!                    │ └───────────────►   │
//!                    ▼      propose        │ dissolve
//!    cancelled, expired, failed ◄──────────┘
//! ```
//!
//! Every arrow is one script, so it happens wholly or not at all, and once. All keys share the hash tag `{mm}`: that a player
//! has one live ticket over *all* queues can only be seen to within one slot.
//!
//! | key after `<prefix>{mm}:` | type | holds |
//! | --- | --- | --- |
//! | `ticket:<id>` | hash | `shard`, `state`, `players` (ids), `ticket` and `names` (JSON), `key` (owner and idempotency key, or nothing); `match` while proposed, claimed or matched; `claimed_at` (ms) and, where all were asked, `accepted` while claimed; `ended_at` (ms) and `reason` when over |
//! | `player:<id>` | string | the id of the player's live ticket (waiting, proposed or claimed) |
//! | `key:<owner>:<key>` | string | the id of the ticket that was made with this idempotency key; as long as the ticket can be read |
//! | `pool:<shard>` | hash | what waits: id → ticket (JSON) |
//! | `backfills:<shard>` | hash | running matches that want players: id → backfill (JSON) |
//! | `backfill:<match>` | string | the shard and the id of the match's wish |
//! | `proposal:<match>` | hash | `shard`, `accept_by` (ms), `tickets` (ids), `players` and `accepted` (counts); each player's answer under their id; the wish it is to fulfil |
//! | `plan:<match>` | string | what the leader wants to remember of a proposal |
//! | `proposals:<shard>` | sorted set | open proposals, by the moment at which they are to be decided (ms) |
//! | `claimed` | sorted set | what is claimed, by when (ms) |
//! | `estimate:<shard>` | string | how long tickets have waited lately (ms) |
//! | `shards` | set | all shards that ever had a change |
//! | `revision:<shard>`, `changes:<shard>` | number, stream | each change to what waits, in order, numbered by the revision |
//!
//! Redis must not evict (`maxmemory-policy noeviction`): a waiting ticket is nowhere else. What is over, expires; what is live, is
//! bounded: by the players (one live ticket each), by the wishes a shard takes, and by the changes it keeps.

mod answer;
mod backfills;
mod census;
mod claim;
mod create;
mod decide;
mod finish;
mod keys;
mod lead;
mod pool;
mod propose;
mod record;
mod release;
mod settle;
mod shard;
mod waiting;

use std::sync::LazyLock;

use muster_core::id::{PlayerId, TicketId};
use redis::aio::ConnectionManager;

use crate::Result;
use crate::script::Script;
use keys::Keys;

pub use answer::Answered;
pub use backfills::BackfillOpening;
pub use census::{LiveState, LiveTicket};
pub use claim::{Claim, ClaimRequest, ClaimedTicket};
pub use create::{Creation, Idempotency, NewTicket};
pub use decide::OpenProposal;
pub use finish::{Cancellation, CancelledBy, EndReason};
pub use pool::{Changes, PoolSnapshot, TicketChange};
pub use propose::{ProposeRequest, Proposed};
pub use record::{ProposalRecord, TicketRecord};
pub use shard::{InvalidShard, Shard};
pub use waiting::OpenShard;

/// How long a ticket that is over stays readable, in seconds.
const READABLE_SECS: u32 = 10 * 60;

/// How many changes to a shard are kept for leaders to follow; a leader that is further behind takes a snapshot.
const CHANGES_KEPT: u32 = 4_000;

static READ: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("read.lua")]));

/// A script after what all of them share.
fn script(own: &[&str]) -> Script {
    let numbers = format!("local CHANGES_KEPT, READABLE_SECS = '{CHANGES_KEPT}', '{READABLE_SECS}'\n");
    Script::new(&[&[numbers.as_str(), include_str!("common.lua")], own].concat())
}

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
        self.read("ticket", ticket.to_string()).await
    }

    /// The live ticket of a player: waiting, proposed or claimed.
    pub async fn of_player(&self, player: PlayerId) -> Result<Option<TicketRecord>> {
        self.read("player", player.to_string()).await
    }

    async fn read(&self, what: &str, id: String) -> Result<Option<TicketRecord>> {
        let mut call = READ.call(self.keys.prefix());
        let found: Option<record::Fields> = call.arg(what).arg(id).invoke_async(&mut self.redis.clone()).await?;
        found.map(|found| found.record()).transpose()
    }
}
