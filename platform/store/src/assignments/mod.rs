//! Matches of queues that are played on somebody's own servers: each waits for a trusted server that says where, or why not.
//!
//! ```text
//!        open             assign
//! claim ──────► open ───────────────► assigned ─┐ close
//!                │ │ refuse                     ├───────► (settled, or released)
//!                │ └────────► refused ──────────┤
//!                └──────────► expired ──────────┘
//!                   overdue
//! ```
//!
//! One answer counts, whoever gives it first; PostgreSQL has it. Beside servers that answer by hand, there may be registered ones:
//! what they are given is decided by [`Servers::allocate`](crate::Servers::allocate). What is decided stays to be done (`decided`) until the
//! matchmaker has settled or released the tickets and closed it, whichever process that is by then.

mod decide;
mod open;
mod read;
mod row;
mod settle;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, ServerId};
use muster_core::wire::AssignedPlayer;
use sqlx::PgPool;

use crate::Shard;

/// A match that is to be played on somebody's own servers.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAssignment {
    /// The match, as its tickets are claimed for it.
    pub match_id: MatchId,
    /// Where its tickets waited.
    pub shard: Shard,
    /// Where it is played; None when the queue has no regions.
    pub region: Option<String>,
    /// Who plays with whom, team by team.
    pub teams: Vec<Vec<AssignedPlayer>>,
    /// How even it is: 0 to 1.
    pub quality: f64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when a server may answer.
    pub expires_at: DateTime<Utc>,
    /// The running match that these players join.
    pub backfill_of: Option<MatchId>,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignmentState {
    /// It waits for a server.
    Open,
    /// It is played.
    Assigned {
        /// Where players connect to.
        connection: String,
    },
    /// A server said that it cannot be.
    Refused {
        /// Why.
        reason: String,
    },
    /// No server answered in time.
    Expired,
}

/// A match and where it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The match.
    pub new: NewAssignment,
    /// What has become of it.
    pub state: AssignmentState,
    /// When it was assigned, refused, or found expired.
    pub decided_at: Option<DateTime<Utc>>,
    /// The registered server that it was given to; None when somebody answered by hand, or nobody.
    pub server: Option<ServerId>,
}

/// What became of a server's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It counts; or the same was said before.
    Done(Assignment),
    /// Something else was said before, or the time was over: this is how it stands.
    AlreadyDecided(Assignment),
    /// There is no such match to assign.
    NotFound,
}

/// The longest page.
const MAX_PAGE: u32 = 200;

/// Handle on the assignments.
#[derive(Clone)]
pub struct Assignments {
    postgres: PgPool,
}

impl Assignments {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }
}

impl AssignmentState {
    /// Its name, connection and reason, as the table has them.
    fn columns(&self) -> (&'static str, Option<&str>, Option<&str>) {
        match self {
            Self::Open => ("open", None, None),
            Self::Assigned { connection } => ("assigned", Some(connection), None),
            Self::Refused { reason } => ("refused", None, Some(reason)),
            Self::Expired => ("expired", None, None),
        }
    }
}
