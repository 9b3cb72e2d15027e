//! Sign-ins that failed: kept in the audit log, and counted there to slow down whoever guesses.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Staff, act};
use crate::{Actor, AuditOutcome, NewAudit, Result, audit, codec};

impl Staff {
    /// A sign-in failed. An address that nobody has is kept as a hash: people type passwords into the wrong field.
    pub async fn failed_sign_in(&self, email: &str, reason: &str, now: DateTime<Utc>) -> Result<()> {
        let target = self.target(email).await?;
        let actor = Actor::System("sign-in".to_owned());
        let entry = NewAudit { outcome: AuditOutcome::Denied, ..act(&actor, "staff.sign_in", target, Some(reason)) };
        let mut connection = self.postgres.acquire().await?;
        audit::write(&mut connection, &entry, now).await?;
        Ok(())
    }

    /// How many sign-ins with this address failed since a moment, or since the last one that succeeded, if that is later.
    pub async fn recent_failures(&self, email: &str, since: DateTime<Utc>) -> Result<u64> {
        let target = self.target(email).await?;
        // Index audit_sign_ins.
        let count = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM staff.audit
            WHERE action = 'staff.sign_in' AND target = $1 AND outcome = 'denied' AND at >= $2
              AND at >= coalesce(
                  (SELECT max(at) FROM staff.audit
                   WHERE action = 'staff.sign_in' AND target = $1 AND outcome = 'succeeded' AND at >= $2), $2)
            "#,
            target,
            since,
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(codec::count(count))
    }

    async fn target(&self, email: &str) -> Result<String> {
        Ok(match self.credentials(email).await? {
            Some(known) => known.member.staff_id.to_string(),
            None => format!("email-sha256:{}", hex::encode(Sha256::digest(email.to_lowercase()))),
        })
    }
}
