//! When a player's telemetry is to lead to them no more, though the account stays.

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, SubjectId};
use serde_json::json;

use super::{Accounts, fresh_subject};
use crate::{Actor, AuditOutcome, NewAudit, Result, audit};

impl Accounts {
    /// Gives a player another subject, with an entry in the audit log: what telemetry has of the old one leads to nobody, and what comes
    /// from now on is of somebody new. False when the player has no account, or the old subject is not theirs any more.
    pub async fn part_from_subject(
        &self,
        player: PlayerId,
        old: SubjectId,
        by: &Actor,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut tx = self.postgres.begin().await?;
        // Primary key of player.subjects.
        let parted = sqlx::query!(
            "UPDATE player.subjects SET subject_id = $3 WHERE player_id = $1 AND subject_id = $2",
            player.uuid(),
            old.uuid(),
            fresh_subject(),
        )
        .execute(&mut *tx)
        .await?;
        if parted.rows_affected() == 0 {
            return Ok(false);
        }
        let entry = NewAudit {
            actor: by.clone(),
            action: "player.forget_telemetry".to_owned(),
            target: Some(player.to_string()),
            reason: Some(reason.to_owned()),
            outcome: AuditOutcome::Succeeded,
            // Never the subject: it would be the link that has just been cut.
            details: json!({}),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}
