//! What nobody reports: servers that fell silent, matches that were never started or never end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, ServerId};
use muster_core::wire::ServerMatchReason;

use super::{Servers, end};
use crate::{Result, codec};

/// What one sweep takes at most, of each kind.
const AT_ONCE: i64 = 100;

/// How long matches may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From being given to a server until that has started it.
    pub start: Duration,
    /// From then on until its result.
    pub run: Duration,
}

/// What a sweep has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Servers that are lost now.
    pub lost: Vec<ServerId>,
    /// Matches that ended with them.
    pub orphaned: Vec<MatchId>,
    /// Matches that ran out of time, and why.
    pub overdue: Vec<(MatchId, ServerMatchReason)>,
}

/// How many servers there are, and how many matches they have place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerCounts {
    /// Registered, not ready.
    pub starting: u64,
    /// Ready, without matches.
    pub ready: u64,
    /// Ready, with matches.
    pub allocated: u64,
    /// Getting nothing new.
    pub draining: u64,
    /// Matches that servers have.
    pub matches: u64,
    /// Matches that could be given to servers now.
    pub free: u64,
}

impl Servers {
    /// Takes the servers whose lease ran out for lost, and ends their matches; 100 at most.
    pub async fn sweep_lost(&self, now: DateTime<Utc>) -> Result<Swept> {
        let mut tx = self.postgres.begin().await?;
        // Index servers_living.
        let lost = sqlx::query_scalar!(
            r#"
            UPDATE play.servers
            SET state = 'lost', ended_at = $1, matches = 0
            WHERE server_id IN (
                SELECT server_id
                FROM play.servers
                WHERE ended_at IS NULL AND lease_until <= $1
                ORDER BY server_id
                LIMIT $2
                FOR UPDATE SKIP LOCKED)
            RETURNING server_id
            "#,
            now,
            AT_ONCE,
        )
        .fetch_all(&mut *tx)
        .await?;
        if lost.is_empty() {
            return Ok(Swept::default());
        }
        // Index server_matches_running.
        let orphaned = sqlx::query_scalar!(
            r#"
            UPDATE play.server_matches
            SET state = 'ended', ended_at = $2, reason = 'server_lost', tell_at = $2
            WHERE server_id = ANY($1) AND state <> 'ended'
            RETURNING match_id
            "#,
            &lost,
            now,
        )
        .fetch_all(&mut *tx)
        .await?;
        // Primary key of play.server_match_players, by its first column.
        sqlx::query!(
            "UPDATE play.server_match_players SET left_at = $2 WHERE match_id = ANY($1) AND left_at IS NULL",
            &orphaned,
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Swept {
            lost: lost.into_iter().map(ServerId::from_uuid).collect(),
            orphaned: orphaned.into_iter().map(MatchId::from_uuid).collect(),
            overdue: Vec::new(),
        })
    }

    /// Ends the matches that their servers have not started in time, or that run for longer than any may; 100 at most.
    pub async fn sweep_overdue(&self, limits: Limits, now: DateTime<Utc>) -> Result<Swept> {
        let (start, run) = (now - limits.start, now - limits.run);
        // Index server_matches_running.
        let late = sqlx::query_scalar!(
            r#"
            SELECT match_id
            FROM play.server_matches
            WHERE (state = 'allocated' AND created_at <= $1) OR (state = 'running' AND started_at <= $2)
            LIMIT $3
            "#,
            start,
            run,
            AT_ONCE,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut swept = Swept::default();
        for match_id in late.into_iter().map(MatchId::from_uuid) {
            let mut tx = self.postgres.begin().await?;
            let Some(locked) = end::lock(&mut tx, match_id).await? else { continue };
            // It may have begun or ended between the two looks.
            let reason = match (locked.state.as_str(), locked.started_at) {
                ("allocated", _) if locked.created_at <= start => ServerMatchReason::NeverStarted,
                ("running", Some(started)) if started <= run => ServerMatchReason::Overdue,
                _ => continue,
            };
            end::end(&mut tx, &locked, reason, None, now).await?;
            tx.commit().await?;
            swept.overdue.push((match_id, reason));
        }
        Ok(swept)
    }

    /// Forgets servers that were over before a moment, and tells how many; 1,000 at most. Their matches stay.
    pub async fn forget(&self, ended_before: DateTime<Utc>) -> Result<u64> {
        // Index servers_ended.
        let gone = sqlx::query!(
            r#"
            DELETE FROM play.servers
            WHERE server_id IN (SELECT server_id FROM play.servers WHERE ended_at < $1 ORDER BY ended_at LIMIT 1000)
            "#,
            ended_before,
        )
        .execute(&self.postgres)
        .await?;
        Ok(gone.rows_affected())
    }

    /// How many servers there are now.
    pub async fn counts(&self, now: DateTime<Utc>) -> Result<ServerCounts> {
        // Index servers_living.
        let row = sqlx::query!(
            r#"
            SELECT count(*) FILTER (WHERE state = 'starting') AS "starting!",
                count(*) FILTER (WHERE state = 'ready' AND matches = 0) AS "ready!",
                count(*) FILTER (WHERE state = 'ready' AND matches > 0) AS "allocated!",
                count(*) FILTER (WHERE state = 'draining') AS "draining!",
                coalesce(sum(matches), 0) AS "matches!",
                coalesce(sum(capacity - matches) FILTER (WHERE state = 'ready' AND lease_until > $1
                    AND coalesce(load_percent, 0) < 100), 0) AS "free!"
            FROM play.servers
            WHERE ended_at IS NULL
            "#,
            now,
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(ServerCounts {
            starting: codec::count(row.starting),
            ready: codec::count(row.ready),
            allocated: codec::count(row.allocated),
            draining: codec::count(row.draining),
            matches: codec::count(row.matches),
            free: codec::count(row.free),
        })
    }
}
