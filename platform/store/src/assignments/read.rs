//! Matches that wait, and one whatever has become of it.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;

use super::row::Row;
use super::{Assignment, Assignments, MAX_PAGE};
use crate::{Result, Shard};

impl Assignments {
    /// Matches that wait for a server, the oldest first; `first` is 1 to 200. Of one queue, or of all.
    pub async fn list(&self, queue: Option<&str>, first: u32, now: DateTime<Utc>) -> Result<Vec<Assignment>> {
        // Index assignments_open.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at, server_id
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

    /// The shards whose leader has something to do or to wait for: matches that wait for a server, or whose answer is not carried
    /// out. Each once; also of groups that are gone.
    pub async fn unfinished(&self) -> Result<Vec<Shard>> {
        // Indexes assignments_open and assignments_decided.
        let rows = sqlx::query!(
            r#"
            SELECT queue AS "queue!", shard_group AS "shard_group!"
            FROM play.assignments
            WHERE state = 'open'
            UNION
            SELECT queue, shard_group
            FROM play.assignments
            WHERE state <> 'open' AND closed_at IS NULL
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows.into_iter().map(|row| Shard::new(row.queue, row.shard_group)).collect())
    }

    /// One match, whatever has become of it.
    pub async fn get(&self, match_id: MatchId) -> Result<Option<Assignment>> {
        // Primary key of play.assignments.
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of, state, connection,
                reason, decided_at, server_id
            FROM play.assignments
            WHERE match_id = $1
            "#,
            match_id.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(Assignment::try_from).transpose()
    }
}
