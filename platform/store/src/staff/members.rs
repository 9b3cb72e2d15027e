//! Who is on the staff.

use chrono::{DateTime, Utc};
use muster_core::id::StaffId;
use serde_json::json;
use sqlx::PgConnection;

use super::member::{NewStaff, Row, StaffCredentials, StaffMember};
use super::{Staff, StaffError, act};
use crate::{Actor, NewAudit, Result, audit};

impl Staff {
    /// Adds a member.
    pub async fn add(
        &self,
        new: &NewStaff,
        by: &Actor,
        reason: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<StaffMember, StaffError> {
        let mut tx = self.postgres.begin().await?;
        // Unique index members_email.
        let added = sqlx::query!(
            r#"
            INSERT INTO staff.members (staff_id, email, display_name, role, password_hash, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (lower(email)) DO NOTHING
            "#,
            new.staff_id.uuid(),
            new.email,
            new.display_name,
            new.role.as_str(),
            new.password_hash,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(StaffError::EmailTaken);
        }
        let entry = NewAudit {
            details: json!({ "role": new.role }),
            ..act(by, "staff.add", new.staff_id.to_string(), Some(reason))
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        Ok(StaffMember {
            staff_id: new.staff_id,
            email: new.email.clone(),
            display_name: new.display_name.clone(),
            role: new.role,
            created_at: now,
            disabled: false,
        })
    }

    /// One member.
    pub async fn get(&self, staff_id: StaffId) -> Result<Option<StaffMember>> {
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT staff_id, email, display_name, role, created_at, disabled_at IS NOT NULL AS "disabled!"
            FROM staff.members
            WHERE staff_id = $1
            "#,
            staff_id.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(StaffMember::try_from).transpose()
    }

    /// The member who signs in with this address, whatever the case of its letters, and their password's hash.
    pub async fn credentials(&self, email: &str) -> Result<Option<StaffCredentials>> {
        // Unique index members_email.
        let Some(row) = sqlx::query!(
            r#"
            SELECT staff_id, email, display_name, role, created_at, disabled_at IS NOT NULL AS "disabled!", password_hash
            FROM staff.members
            WHERE lower(email) = lower($1)
            "#,
            email,
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
            disabled: row.disabled,
        };
        Ok(Some(StaffCredentials { member: member.try_into()?, password_hash: row.password_hash }))
    }

    /// Gives a member another password, and closes all their sessions.
    pub async fn set_password(
        &self,
        staff_id: StaffId,
        password_hash: &str,
        by: &Actor,
        reason: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<(), StaffError> {
        let mut tx = self.postgres.begin().await?;
        let changed = sqlx::query!(
            "UPDATE staff.members SET password_hash = $2 WHERE staff_id = $1",
            staff_id.uuid(),
            password_hash
        )
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(StaffError::Unknown);
        }
        close_sessions(&mut tx, staff_id, now).await?;
        audit::write(&mut tx, &act(by, "staff.set_password", staff_id.to_string(), Some(reason)), now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps a member from signing in and closes all their sessions, or lets them in again.
    pub async fn set_disabled(
        &self,
        staff_id: StaffId,
        disabled: bool,
        by: &Actor,
        reason: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<(), StaffError> {
        let mut tx = self.postgres.begin().await?;
        let changed = sqlx::query!(
            "UPDATE staff.members SET disabled_at = CASE WHEN $2 THEN $3::timestamptz END WHERE staff_id = $1",
            staff_id.uuid(),
            disabled,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(StaffError::Unknown);
        }
        close_sessions(&mut tx, staff_id, now).await?;
        let action = if disabled { "staff.disable" } else { "staff.enable" };
        audit::write(&mut tx, &act(by, action, staff_id.to_string(), Some(reason)), now).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn close_sessions(tx: &mut PgConnection, staff_id: StaffId, now: DateTime<Utc>) -> Result<()> {
    // Index sessions_of_member.
    sqlx::query!(
        "UPDATE staff.sessions SET closed_at = $2 WHERE staff_id = $1 AND closed_at IS NULL",
        staff_id.uuid(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}
