//! A server's answer, by hand.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;

use super::row::Row;
use super::{AssignmentState, Assignments, Decision};
use crate::Result;

impl Assignments {
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
                reason, decided_at, server_id
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
}
