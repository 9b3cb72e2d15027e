//! What is decided, until its tickets are settled or released.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use uuid::Uuid;

use super::row::Row;
use super::{Assignment, Assignments, MAX_PAGE};
use crate::{Result, Shard};

impl Assignments {
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
                reason, decided_at, server_id
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
                reason, decided_at, server_id
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
