//! Servers of games that have registered themselves, the matches they are given, and what they report.
//!
//! ```text
//!          register          ready            allocate            drain            last match over
//! (nothing) ──────► starting ◄────► ready ◄──────────────► allocated ────► draining ────────────► gone
//!                       └──────────────┴── lease runs out ────┴──────────────┴────► lost
//! ```
//!
//! PostgreSQL has it. A server counts its matches in its own row, and whoever changes that count holds the row's lock: `allocate` for
//! one more, the end of a match for one less. Locks are taken in one order everywhere: the assignment, the server, the match, the
//! ratings. So directors may allocate at once, and no server is ever given more than it can take.

mod allocate;
mod end;
mod heartbeat;
mod ladder;
mod list;
mod matches;
mod players;
mod ratings;
mod register;
mod result;
mod row;
mod sweep;
mod tell;

use sqlx::PgPool;

pub use allocate::{Allocation, AllocationRequest};
pub use heartbeat::HeartbeatError;
pub use list::ServerFilter;
pub use matches::Place;
pub use players::{PlayersError, StartError};
pub use ratings::LadderRating;
pub use register::RegisterError;
pub use result::{Reported, ResultError};
pub use sweep::{Limits, ServerCounts, Swept};
pub use tell::{EndedMatch, EndedPlayer};

/// Handle on the servers.
#[derive(Clone)]
pub struct Servers {
    postgres: PgPool,
}

impl Servers {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }
}
