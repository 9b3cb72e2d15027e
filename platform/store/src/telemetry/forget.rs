//! When a player is erased.

use muster_core::id::SubjectId;

use super::Telemetry;
use crate::Result;

/// What was forgotten of a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForgottenEvents {
    /// Events that lost the properties that their type calls personal.
    pub blanked: u64,
    /// Events of unknown kinds, which nobody has said anything of: they are gone.
    pub quarantined: u64,
    /// Dead letters that name the subject: they are gone.
    pub dead_letters: u64,
}

impl Telemetry {
    /// Takes out of a player's events what any version of their type calls personal, and removes those in quarantine and the dead letters
    /// that name the subject. The rest stays, and so does every count: the subject is random, and leads to nobody once the account has
    /// let go of it. What is still on its way comes as it was sent: do it after the account is closed and the stream was empty; again
    /// does nothing.
    pub async fn forget(&self, subject: SubjectId) -> Result<ForgottenEvents> {
        let mut tx = self.postgres.begin().await?;
        let mut blanked = 0;
        macro_rules! blank {
            ($table:literal) => {
                sqlx::query!(
                    r#"
                    WITH personal AS (
                        SELECT t.name, array_agg(DISTINCT p.property) AS properties
                        FROM telemetry.event_types t, jsonb_array_elements_text(t.definition -> 'personal') AS p (property)
                        GROUP BY t.name
                    )
                    UPDATE "# + $table + r#" e
                    SET properties = e.properties - p.properties
                    FROM personal p
                    WHERE e.subject_id = $1 AND e.kind = p.name AND e.properties ?| p.properties
                    "#,
                    subject.uuid(),
                )
                .execute(&mut *tx)
                .await?
                .rows_affected()
            };
        }
        // Indexes events_of_subject, long_events_of_subject and quarantine_subject, of all chunks.
        blanked += blank!("telemetry.events");
        blanked += blank!("telemetry.long_events");
        let quarantined = sqlx::query!("DELETE FROM telemetry.quarantine WHERE subject_id = $1", subject.uuid())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        // Whoever is broken off here does it again.
        let dead_letters = self.forget_dead_letters(subject).await?;
        Ok(ForgottenEvents { blanked, quarantined: quarantined.rows_affected(), dead_letters })
    }
}
