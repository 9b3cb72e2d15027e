//! What staff and the platform did, for good: the table refuses every change but an addition.
//!
//! An act that changes the database writes its entry in the same transaction, so there is no act without its entry; `write` is
//! for that. `Audit::append` is for acts elsewhere.

use std::fmt;

use chrono::{DateTime, Utc};
use muster_core::id::{AuditId, StaffId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::{Result, StoreError, codec, fresh_id};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A member of staff.
    Staff(StaffId),
    /// The platform itself, or somebody at its command line: a word that says which part.
    System(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff(id) => id.fmt(f),
            Self::System(part) => f.write_str(part),
        }
    }
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was.
    Succeeded,
    /// It was not allowed.
    Denied,
    /// It was allowed, and went wrong.
    Failed,
}

impl AuditOutcome {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// An act.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAudit {
    /// Who.
    pub actor: Actor,
    /// Did what: `noun.verb`, lower-case letters and `_`.
    pub action: String,
    /// To what: an id, or a name.
    pub target: Option<String>,
    /// Why, as whoever did it says.
    pub reason: Option<String>,
    /// With what outcome.
    pub outcome: AuditOutcome,
    /// The rest: an object. Nothing personal about players.
    pub details: Value,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Sorts by time.
    pub audit_id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub entry: NewAudit,
}

/// The longest page.
const MAX_PAGE: u32 = 200;

/// Handle on the audit log.
#[derive(Clone)]
pub struct Audit {
    postgres: PgPool,
}

impl Audit {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// Adds an entry.
    pub async fn append(&self, entry: &NewAudit, now: DateTime<Utc>) -> Result<AuditId> {
        let mut connection = self.postgres.acquire().await?;
        write(&mut connection, entry, now).await
    }

    /// Entries older than `before`, newest first; `first` is 1 to 200.
    pub async fn list(&self, before: Option<AuditId>, first: u32) -> Result<Vec<AuditEntry>> {
        // Primary key of staff.audit, backwards.
        let rows = sqlx::query!(
            r#"
            SELECT audit_id, at, actor_kind, actor, action, target, reason, outcome, details
            FROM staff.audit
            WHERE $1::uuid IS NULL OR audit_id < $1
            ORDER BY audit_id DESC
            LIMIT $2
            "#,
            before.map(AuditId::uuid),
            i64::from(first.clamp(1, MAX_PAGE)),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let actor = match row.actor_kind.as_str() {
                    "staff" => Actor::Staff(codec::parse("an audit entry's actor", &row.actor)?),
                    _ => Actor::System(row.actor),
                };
                let entry = NewAudit {
                    actor,
                    action: row.action,
                    target: row.target,
                    reason: row.reason,
                    outcome: outcome(&row.outcome)?,
                    details: row.details,
                };
                Ok(AuditEntry { audit_id: AuditId::from_uuid(row.audit_id), at: row.at, entry })
            })
            .collect()
    }
}

/// Adds an entry on a connection, which may be inside the transaction of the act itself.
pub(crate) async fn write(connection: &mut PgConnection, entry: &NewAudit, now: DateTime<Utc>) -> Result<AuditId> {
    let audit_id: AuditId = fresh_id();
    let actor_kind = match entry.actor {
        Actor::Staff(_) => "staff",
        Actor::System(_) => "system",
    };
    sqlx::query!(
        r#"
        INSERT INTO staff.audit (audit_id, at, actor_kind, actor, action, target, reason, outcome, details)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        audit_id.uuid(),
        now,
        actor_kind,
        entry.actor.to_string(),
        entry.action,
        entry.target,
        entry.reason,
        entry.outcome.as_str(),
        entry.details,
    )
    .execute(connection)
    .await?;
    Ok(audit_id)
}

fn outcome(text: &str) -> Result<AuditOutcome> {
    [AuditOutcome::Succeeded, AuditOutcome::Denied, AuditOutcome::Failed]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
        .ok_or_else(|| StoreError::corrupt("an audit entry", format!("outcome `{text}`")))
}
