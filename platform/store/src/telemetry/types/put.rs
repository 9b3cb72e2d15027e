//! A new version of an event type.

use chrono::{DateTime, Utc};
use muster_core::telemetry::{EventTypeDefinition, InvalidEventType};
use muster_core::wire::FieldError;
use serde_json::json;
use sqlx::PgConnection;

use super::{EventTypes, NOUN};
use crate::{Actor, AuditOutcome, DomainEvent, NewAudit, StoreError, audit, codec};

/// How many types there may be: every process that judges events has all of them in memory.
pub const MAX_EVENT_TYPES: u64 = 2_000;

/// The longest reason, in characters.
pub(super) const MAX_REASON: usize = 500;

/// A change to an event type, or a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTypeChange {
    /// What it shall say. Its version does not count: it becomes the one after the newest.
    pub definition: EventTypeDefinition,
    /// The version that the change is based on; None: there is no such type yet.
    pub expected_version: Option<u32>,
    /// Who.
    pub author: Actor,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Why an event type was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PutEventTypeError {
    /// It was to be made, and is there.
    #[error("there is an event type of this name already")]
    Exists,
    /// Somebody else changed it meanwhile: look at what it is now.
    #[error("the event type is at version {current} by now")]
    VersionConflict {
        /// Its newest version; 0 when there is no such type.
        current: u32,
    },
    /// There are as many as there may be.
    #[error("there are {MAX_EVENT_TYPES} event types already, which is the most")]
    TooMany,
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidEventType),
    /// Unknown: look whether it was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PutEventTypeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl EventTypes {
    /// Makes the next version of a type, with its audit entry, and tells every process. When this succeeds the change stands;
    /// should telling fail, every process sees it two seconds later.
    pub async fn put(
        &self,
        change: &EventTypeChange,
        now: DateTime<Utc>,
    ) -> Result<EventTypeDefinition, PutEventTypeError> {
        let definition = EventTypeDefinition {
            version: change.expected_version.map_or(1, |version| version.saturating_add(1)),
            ..change.definition.clone()
        };
        definition.validate()?;
        check_reason(&change.reason)?;
        let name = &definition.name;

        let mut tx = self.postgres.begin().await?;
        // The version before is there, and the primary key lets only one make the next.
        let made = sqlx::query!(
            r#"
            INSERT INTO telemetry.event_types (name, version, definition, author, reason, created_at)
            SELECT $1, $2, $3, $4, $5, $6
            WHERE (SELECT coalesce(max(version), 0) FROM telemetry.event_types WHERE name = $1) = $2 - 1
            ON CONFLICT DO NOTHING
            "#,
            name,
            i32::try_from(definition.version).unwrap_or(i32::MAX),
            codec::to_json_value(&definition),
            change.author.to_string(),
            change.reason,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            drop(tx);
            let current = self.get(name).await?.map_or(0, |newest| newest.definition.version);
            return Err(match change.expected_version {
                None => PutEventTypeError::Exists,
                Some(_) => PutEventTypeError::VersionConflict { current },
            });
        }
        let types = sqlx::query_scalar!(r#"SELECT count(DISTINCT name) AS "count!" FROM telemetry.event_types"#)
            .fetch_one(&mut *tx)
            .await?;
        if definition.version == 1 && codec::count(types) > MAX_EVENT_TYPES {
            return Err(PutEventTypeError::TooMany);
        }
        set_measures(&mut tx, &definition).await?;
        let entry = NewAudit {
            actor: change.author.clone(),
            action: if definition.version == 1 { "event_type.create" } else { "event_type.change" }.to_owned(),
            target: Some(name.clone()),
            reason: Some(change.reason.clone()),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "version": definition.version, "enabled": definition.enabled }),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;

        let data = json!({ "name": name, "version": definition.version, "author": change.author.to_string() });
        self.tell("changed", data, now).await;
        Ok(definition)
    }

    pub(super) async fn tell(&self, verb: &str, data: serde_json::Value, now: DateTime<Utc>) {
        let event = DomainEvent { noun: NOUN.to_owned(), verb: verb.to_owned(), at: now, data };
        if let Err(error) = self.domain.publish(&event).await {
            tracing::warn!(%error, "event types were changed; other processes see it a little later");
        }
    }
}

/// What the transaction that stores events counts of this type from now on. With the first version no event of it is stored yet, so that all
/// of them will be counted.
pub(super) async fn set_measures(tx: &mut PgConnection, definition: &EventTypeDefinition) -> crate::Result<()> {
    sqlx::query!(
        "DELETE FROM telemetry.measures WHERE kind = $1 AND NOT measure = ANY($2)",
        definition.name,
        &definition.measures,
    )
    .execute(&mut *tx)
    .await?;
    // Those that stay keep since when they are counted.
    sqlx::query!(
        r#"
        INSERT INTO telemetry.measures (kind, measure, since)
        SELECT $1, measure, CASE WHEN $3 THEN '-infinity' ELSE now() END FROM unnest($2::text[]) AS measure
        ON CONFLICT DO NOTHING
        "#,
        definition.name,
        &definition.measures,
        definition.version == 1,
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) fn check_reason(reason: &str) -> Result<(), InvalidEventType> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        let fault = FieldError::new("reason", format!("1 to {MAX_REASON} characters: why it changes"));
        return Err(InvalidEventType(vec![fault]));
    }
    Ok(())
}
