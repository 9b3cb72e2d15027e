//! When a player is erased.

use muster_core::id::SubjectId;

use super::Insights;
use super::fold::{LOCK, fold_some};
use crate::Result;

impl Insights {
    /// Makes the facts of a player nobody's, and says of how many sessions: the number loses its subject, and their sessions get ids that
    /// are made up. What was counted stays counted, so no answer changes. Again for the same subject does nothing.
    pub async fn forget(&self, subject: SubjectId) -> Result<u64> {
        let mut tx = self.postgres.begin().await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
        // What waits to be folded names the subject too.
        while fold_some(&mut tx).await? > 0 {}
        // Unique index of players by subject.
        let player = sqlx::query_scalar!(
            "UPDATE insights.players SET subject_id = NULL WHERE subject_id = $1 RETURNING player",
            subject.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let mut sessions = 0;
        if let Some(player) = player {
            // No index: it is asked for seldom, and all chunks may hold some.
            let changed =
                sqlx::query!("UPDATE insights.sessions SET session_id = gen_random_uuid() WHERE player = $1", player,)
                    .execute(&mut *tx)
                    .await?;
            sessions = changed.rows_affected();
        }
        tx.commit().await?;
        Ok(sessions)
    }
}
