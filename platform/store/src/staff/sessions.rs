//! Who is signed in. A session is known by the SHA-256 of its token; the token is its holder's only.

use chrono::{DateTime, Utc};
use muster_core::id::StaffId;

use super::member::Row;
use super::{Staff, StaffMember, act};
use crate::{Actor, Result, audit};

/// A session that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffSession {
    /// Whose.
    pub member: StaffMember,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Staff {
    /// A member has signed in.
    pub async fn open_session(
        &self,
        staff_id: StaffId,
        token_hash: &[u8; 32],
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.postgres.begin().await?;
        sqlx::query!(
            "INSERT INTO staff.sessions (token_hash, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            token_hash.as_slice(),
            staff_id.uuid(),
            now,
            expires_at,
        )
        .execute(&mut *tx)
        .await?;
        audit::write(&mut tx, &act(&Actor::Staff(staff_id), "staff.sign_in", staff_id.to_string(), None), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The open session of a token. None: unknown, expired, closed, or of a member who was disabled.
    pub async fn session(&self, token_hash: &[u8; 32], now: DateTime<Utc>) -> Result<Option<StaffSession>> {
        // Primary key of staff.sessions.
        let Some(row) = sqlx::query!(
            r#"
            SELECT m.staff_id, m.email, m.display_name, m.role, m.created_at, s.expires_at
            FROM staff.sessions s
            JOIN staff.members m USING (staff_id)
            WHERE s.token_hash = $1 AND s.closed_at IS NULL AND s.expires_at > $2 AND m.disabled_at IS NULL
            "#,
            token_hash.as_slice(),
            now,
        )
        .fetch_optional(&self.postgres)
        .await?
        else {
            return Ok(None);
        };
        let member = Row {
            staff_id: row.staff_id,
            email: row.email,
            display_name: row.display_name,
            role: row.role,
            created_at: row.created_at,
            disabled: false,
        };
        Ok(Some(StaffSession { member: member.try_into()?, expires_at: row.expires_at }))
    }

    /// A member signs out. False: there was no open session of this token.
    pub async fn close_session(&self, token_hash: &[u8; 32], now: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.postgres.begin().await?;
        let closed = sqlx::query_scalar!(
            "UPDATE staff.sessions SET closed_at = $2 WHERE token_hash = $1 AND closed_at IS NULL RETURNING staff_id",
            token_hash.as_slice(),
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(staff_id) = closed.map(StaffId::from_uuid) else { return Ok(false) };
        audit::write(&mut tx, &act(&Actor::Staff(staff_id), "staff.sign_out", staff_id.to_string(), None), now).await?;
        tx.commit().await?;
        Ok(true)
    }
}
