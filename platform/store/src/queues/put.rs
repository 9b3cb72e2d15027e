//! A new version of a queue.

use chrono::{DateTime, Utc};
use muster_core::matchmaking::{InvalidQueue, QueueDefinition};
use muster_core::wire::FieldError;
use serde_json::json;

use super::Queues;
use crate::{Actor, AuditOutcome, DomainEvent, NewAudit, StoreError, audit, codec};

/// A change to a queue, or a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueChange {
    /// The rules as they shall be. Their version does not count: it becomes the one after the newest.
    pub definition: QueueDefinition,
    /// The version that the change is based on; None: there is no such queue yet.
    pub expected_version: Option<u32>,
    /// Who.
    pub author: Actor,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Why a queue was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PutQueueError {
    /// It was to be made, and is there.
    #[error("there is a queue of this name already")]
    Exists,
    /// Somebody else changed it meanwhile: look at what it is now.
    #[error("the queue is at version {current} by now")]
    VersionConflict {
        /// Its newest version; 0 when there is no such queue.
        current: u32,
    },
    /// The rules make no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidQueue),
    /// Unknown: look whether it was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PutQueueError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

impl Queues {
    /// Makes the next version of a queue, with its audit entry, and tells every process. When this succeeds the change stands;
    /// should telling fail, `publish` does it later.
    pub async fn put(&self, change: &QueueChange, now: DateTime<Utc>) -> Result<QueueDefinition, PutQueueError> {
        let definition = QueueDefinition {
            version: change.expected_version.map_or(1, |version| version.saturating_add(1)),
            ..change.definition.clone()
        };
        check(&definition, &change.reason)?;
        let name = &definition.name;
        let number = |version: u32| i32::try_from(version).unwrap_or(i32::MAX);

        let mut tx = self.postgres.begin().await?;
        // The version before is there, and the primary key lets only one make the next.
        let made = sqlx::query!(
            r#"
            INSERT INTO play.queues (queue, version, definition, author, reason, created_at)
            SELECT $1, $2, $3, $4, $5, $6
            WHERE (SELECT coalesce(max(version), 0) FROM play.queues WHERE queue = $1) = $2 - 1
            ON CONFLICT DO NOTHING
            "#,
            name,
            number(definition.version),
            codec::to_json_value(&definition),
            change.author.to_string(),
            change.reason,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            drop(tx);
            let current = self.get(name).await?.map_or(0, |definition| definition.version);
            return Err(match change.expected_version {
                None => PutQueueError::Exists,
                Some(_) => PutQueueError::VersionConflict { current },
            });
        }
        let entry = NewAudit {
            actor: change.author.clone(),
            action: if definition.version == 1 { "queue.create" } else { "queue.change" }.to_owned(),
            target: Some(name.clone()),
            reason: Some(change.reason.clone()),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "version": definition.version }),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;

        if let Err(error) = self.tell(&definition, &change.author, now).await {
            tracing::warn!(queue = name, %error, "a queue was changed; other processes hear of it a little later");
        }
        Ok(definition)
    }

    async fn tell(&self, definition: &QueueDefinition, author: &Actor, now: DateTime<Utc>) -> crate::Result<()> {
        self.bring_up(&definition.name).await?;
        let event = DomainEvent {
            noun: "queue".to_owned(),
            verb: "changed".to_owned(),
            at: now,
            data: json!({ "queue": definition.name, "version": definition.version, "author": author.to_string() }),
        };
        self.domain.publish(&event).await
    }
}

fn check(definition: &QueueDefinition, reason: &str) -> Result<(), InvalidQueue> {
    definition.validate()?;
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        return Err(InvalidQueue(vec![FieldError::new(
            "reason",
            format!("1 to {MAX_REASON} characters: why it changes"),
        )]));
    }
    Ok(())
}
