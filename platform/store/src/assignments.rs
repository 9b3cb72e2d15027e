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
//! One answer counts, whoever gives it first; PostgreSQL has it. What is decided stays to be done (`decided`) until the
//! matchmaker has settled or released the tickets and closed it, whichever process that is by then.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use muster_core::wire::AssignedPlayer;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Result, Shard, StoreError, codec};

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

    /// Lets a match wait for a server. May be repeated: what is there stays as it is.
    pub async fn open(&self, new: &NewAssignment) -> Result<()> {
        self.open_many(std::slice::from_ref(new)).await
    }

    /// The same for many, in one statement.
    pub async fn open_many(&self, new: &[NewAssignment]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&NewAssignment) -> &str| new.iter().map(of).collect::<Vec<_>>();
        let times = |of: fn(&NewAssignment) -> DateTime<Utc>| new.iter().map(of).collect::<Vec<_>>();
        let match_ids: Vec<Uuid> = new.iter().map(|new| new.match_id.uuid()).collect();
        let regions: Vec<Option<&str>> = new.iter().map(|new| new.region.as_deref()).collect();
        let teams: Vec<Json<&Vec<Vec<AssignedPlayer>>>> = new.iter().map(|new| Json(&new.teams)).collect();
        let qualities: Vec<f64> = new.iter().map(|new| new.quality).collect();
        let backfills: Vec<Option<Uuid>> = new.iter().map(|new| new.backfill_of.map(MatchId::uuid)).collect();
        sqlx::query!(
            r#"
            INSERT INTO play.assignments (
                match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of)
            SELECT *
            FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::float8[], $7::timestamptz[],
                $8::timestamptz[], $9::uuid[])
            ON CONFLICT DO NOTHING
            "#,
            &match_ids,
            &column(|new| &new.shard.queue) as &[&str],
            &column(|new| &new.shard.group) as &[&str],
            &regions as &[Option<&str>],
            &teams as &[Json<&Vec<Vec<AssignedPlayer>>>],
            &qualities,
            &times(|new| new.created_at),
            &times(|new| new.expires_at),
            &backfills as &[Option<Uuid>],
        )
        .execute(&self.postgres)
        .await?;
        Ok(())
    }

    /// Matches that wait for a server, the oldest first; `first` is 1 to 200. Of one queue, or of all.
    pub async fn list(&self, queue: Option<&str>, first: u32, now: DateTime<Utc>) -> Result<Vec<Assignment>> {
        // Index assignments_open.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at
            FROM play.assignments
            WHERE state = 'open' AND expires_at > $3 AND ($1::text IS NULL OR queue = $1)
            ORDER BY created_at, match_id
            LIMIT $2
            "#,
            queue,
            i64::from(first.clamp(1, MAX_PAGE)),
            now,
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(Assignment::try_from).collect()
    }

    /// One match, whatever has become of it.
    pub async fn get(&self, match_id: MatchId) -> Result<Option<Assignment>> {
        // Primary key of play.assignments.
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at
            FROM play.assignments
            WHERE match_id = $1
            "#,
            match_id.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(Assignment::try_from).transpose()
    }

    /// The match is played here: `connection` is 1 to 256 characters.
    pub async fn assign(&self, match_id: MatchId, connection: String, now: DateTime<Utc>) -> Result<Decision> {
        self.decide(match_id, AssignmentState::Assigned { connection }, now).await
    }

    /// The match cannot be played: its tickets return to the head of their queue. `reason` is 1 to 256 characters.
    pub async fn refuse(&self, match_id: MatchId, reason: String, now: DateTime<Utc>) -> Result<Decision> {
        self.decide(match_id, AssignmentState::Refused { reason }, now).await
    }

    async fn decide(&self, match_id: MatchId, state: AssignmentState, now: DateTime<Utc>) -> Result<Decision> {
        let (name, connection, reason) = state.columns();
        // Primary key of play.assignments.
        let decided = sqlx::query_as!(
            Row,
            r#"
            UPDATE play.assignments
            SET state = $2, connection = $3, reason = $4, decided_at = $5
            WHERE match_id = $1 AND state = 'open' AND expires_at > $5
            RETURNING match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at
            "#,
            match_id.uuid(),
            name,
            connection,
            reason,
            now,
        )
        .fetch_optional(&self.postgres)
        .await?;
        if let Some(row) = decided {
            return Ok(Decision::Done(row.try_into()?));
        }
        Ok(match self.get(match_id).await? {
            Some(there) if there.state == state => Decision::Done(there),
            Some(there) => Decision::AlreadyDecided(there),
            None => Decision::NotFound,
        })
    }

    /// Ends the waiting of a shard's matches that no server answered for in time, and returns them; 200 at most.
    pub async fn overdue(&self, shard: &Shard, now: DateTime<Utc>) -> Result<Vec<Assignment>> {
        // Index assignments_open.
        let rows = sqlx::query_as!(
            Row,
            r#"
            UPDATE play.assignments
            SET state = 'expired', decided_at = $3
            WHERE match_id IN (
                SELECT match_id
                FROM play.assignments
                WHERE queue = $1 AND shard_group = $2 AND state = 'open' AND expires_at <= $3
                ORDER BY created_at
                LIMIT $4
                FOR UPDATE SKIP LOCKED
            )
            RETURNING match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at
            "#,
            shard.queue,
            shard.group,
            now,
            i64::from(MAX_PAGE),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(Assignment::try_from).collect()
    }

    /// A shard's matches that are decided (assigned, refused, or expired) and not closed yet, those decided first first; 200 at
    /// most.
    pub async fn decided(&self, shard: &Shard) -> Result<Vec<Assignment>> {
        // Index assignments_decided.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at
            FROM play.assignments
            WHERE queue = $1 AND shard_group = $2 AND state <> 'open' AND closed_at IS NULL
            ORDER BY decided_at, match_id
            LIMIT $3
            "#,
            shard.queue,
            shard.group,
            i64::from(MAX_PAGE),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(Assignment::try_from).collect()
    }

    /// The tickets of these matches are settled or released: there is no more to do. May be repeated.
    pub async fn close(&self, matches: &[MatchId], now: DateTime<Utc>) -> Result<()> {
        let matches: Vec<Uuid> = matches.iter().map(|id| id.uuid()).collect();
        // Primary key of play.assignments.
        sqlx::query!(
            "UPDATE play.assignments SET closed_at = $2 WHERE match_id = ANY($1) AND state <> 'open' AND closed_at IS NULL",
            &matches,
            now,
        )
        .execute(&self.postgres)
        .await?;
        Ok(())
    }

    /// Forgets what was closed before a moment, and tells how much; 10,000 at most.
    pub async fn forget(&self, closed_before: DateTime<Utc>) -> Result<u64> {
        // Index assignments_closed.
        let gone = sqlx::query!(
            r#"
            DELETE FROM play.assignments
            WHERE match_id IN (SELECT match_id FROM play.assignments WHERE closed_at < $1 ORDER BY closed_at LIMIT 10000)
            "#,
            closed_before,
        )
        .execute(&self.postgres)
        .await?;
        Ok(gone.rows_affected())
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

struct Row {
    match_id: Uuid,
    queue: String,
    shard_group: String,
    region: Option<String>,
    teams: serde_json::Value,
    quality: f64,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    backfill_of: Option<Uuid>,
    state: String,
    connection: Option<String>,
    reason: Option<String>,
    decided_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Assignment {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let state = match (row.state.as_str(), row.connection, row.reason) {
            ("open", ..) => AssignmentState::Open,
            ("assigned", Some(connection), _) => AssignmentState::Assigned { connection },
            ("refused", _, Some(reason)) => AssignmentState::Refused { reason },
            ("expired", ..) => AssignmentState::Expired,
            (other, ..) => return Err(StoreError::corrupt("an assignment", format!("state `{other}`"))),
        };
        let new = NewAssignment {
            match_id: MatchId::from_uuid(row.match_id),
            shard: Shard::new(row.queue, row.shard_group),
            region: row.region,
            teams: codec::from_json_value("an assignment's teams", row.teams)?,
            quality: row.quality,
            created_at: row.created_at,
            expires_at: row.expires_at,
            backfill_of: row.backfill_of.map(MatchId::from_uuid),
        };
        Ok(Self { new, state, decided_at: row.decided_at })
    }
}
