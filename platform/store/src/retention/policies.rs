//! How long things are kept.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Retention;
use crate::{Actor, AuditOutcome, NewAudit, Result, audit, codec};

/// How long the rows of a table are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// What it is called.
    pub name: String,
    /// Which table, with its schema.
    pub table: String,
    /// How long: whole seconds, at least one.
    pub keep: Duration,
    /// Whether it is carried out.
    pub enabled: bool,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Retention {
    /// Adds the policies whose name is not there yet, and tells how many they were.
    pub async fn seed_policies(&self, policies: &[RetentionPolicy]) -> Result<u64> {
        let mut added = 0;
        let mut tx = self.postgres.begin().await?;
        for policy in policies {
            let row = sqlx::query!(
                r#"
                INSERT INTO retention.policies (name, table_name, keep_secs, enabled, updated_at)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT DO NOTHING
                "#,
                policy.name,
                policy.table,
                codec::signed(policy.keep.as_secs()),
                policy.enabled,
                policy.updated_at,
            )
            .execute(&mut *tx)
            .await?;
            added += row.rows_affected();
        }
        tx.commit().await?;
        Ok(added)
    }

    /// All policies, by name.
    pub async fn policies(&self) -> Result<Vec<RetentionPolicy>> {
        let rows = sqlx::query!(
            "SELECT name, table_name, keep_secs, enabled, updated_at FROM retention.policies ORDER BY name"
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| policy(row.name, row.table_name, row.keep_secs, row.enabled, row.updated_at))
            .collect())
    }

    /// One policy.
    pub async fn policy(&self, name: &str) -> Result<Option<RetentionPolicy>> {
        let row = sqlx::query!(
            "SELECT name, table_name, keep_secs, enabled, updated_at FROM retention.policies WHERE name = $1",
            name
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(|row| policy(row.name, row.table_name, row.keep_secs, row.enabled, row.updated_at)))
    }

    /// Makes or changes a policy.
    pub async fn set_policy(&self, policy: &RetentionPolicy, by: &Actor, reason: &str) -> Result<()> {
        let mut tx = self.postgres.begin().await?;
        sqlx::query!(
            r#"
            INSERT INTO retention.policies (name, table_name, keep_secs, enabled, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE
            SET table_name = excluded.table_name, keep_secs = excluded.keep_secs, enabled = excluded.enabled,
                updated_at = excluded.updated_at
            "#,
            policy.name,
            policy.table,
            codec::signed(policy.keep.as_secs()),
            policy.enabled,
            policy.updated_at,
        )
        .execute(&mut *tx)
        .await?;
        let entry = NewAudit {
            actor: by.clone(),
            action: "retention.set_policy".to_owned(),
            target: Some(policy.name.clone()),
            reason: Some(reason.to_owned()),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "table": policy.table, "keep_secs": policy.keep.as_secs(), "enabled": policy.enabled }),
        };
        audit::write(&mut tx, &entry, policy.updated_at).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn policy(name: String, table: String, keep_secs: i64, enabled: bool, updated_at: DateTime<Utc>) -> RetentionPolicy {
    RetentionPolicy { name, table, keep: Duration::from_secs(codec::count(keep_secs)), enabled, updated_at }
}
