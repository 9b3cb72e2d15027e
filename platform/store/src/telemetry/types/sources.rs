//! The kill switch of a source: nothing of it is taken while it is closed.

use chrono::{DateTime, Utc};
use muster_core::telemetry::{EventSource, InvalidEventType};
use muster_core::wire::FieldError;
use serde_json::json;

use super::EventTypes;
use super::put::check_reason;
use crate::{Actor, AuditOutcome, NewAudit, Result, StoreError, audit, codec};

/// A source from which nothing is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedSource {
    /// Which.
    pub source: EventSource,
    /// Who closed it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub closed_at: DateTime<Utc>,
}

/// A source is to be closed or opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSwitch {
    /// Which; not the platform itself.
    pub source: EventSource,
    /// Whether nothing is taken from now on.
    pub closed: bool,
    /// Who.
    pub author: Actor,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Why a source was not switched.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// The platform's own events are not switched off, or the reason is none.
    #[error(transparent)]
    Invalid(#[from] InvalidEventType),
    /// Unknown: look whether it was switched.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SwitchError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl EventTypes {
    /// The sources that are closed.
    pub async fn closed_sources(&self) -> Result<Vec<ClosedSource>> {
        let rows =
            sqlx::query!("SELECT source, author, reason, closed_at FROM telemetry.closed_sources ORDER BY source")
                .fetch_all(&self.postgres)
                .await?;
        let closed = rows.into_iter().map(|row| {
            let source = codec::parse("a source of events", &row.source)?;
            Ok(ClosedSource { source, author: row.author, reason: row.reason, closed_at: row.closed_at })
        });
        closed.collect()
    }

    /// Closes a source or opens it, with its audit entry, and tells every process. Closing what is closed notes the new reason.
    pub async fn switch(&self, switch: &SourceSwitch, now: DateTime<Utc>) -> std::result::Result<(), SwitchError> {
        if switch.source == EventSource::Server {
            let fault = FieldError::new("source", "has to be client or trusted: the platform's own events stay");
            return Err(InvalidEventType(vec![fault]).into());
        }
        check_reason(&switch.reason)?;
        let (source, author) = (switch.source.as_str(), switch.author.to_string());
        let mut tx = self.postgres.begin().await?;
        if switch.closed {
            sqlx::query!(
                r#"
                INSERT INTO telemetry.closed_sources (source, author, reason, closed_at)
                VALUES ($1, $2, $3, $4)
                ON CONFLICT (source) DO UPDATE
                SET author = excluded.author, reason = excluded.reason, closed_at = excluded.closed_at
                "#,
                source,
                author,
                switch.reason,
                now,
            )
            .execute(&mut *tx)
            .await?;
        } else {
            sqlx::query!("DELETE FROM telemetry.closed_sources WHERE source = $1", source).execute(&mut *tx).await?;
        }
        let (action, verb) = if switch.closed {
            ("event_source.close", "source_closed")
        } else {
            ("event_source.open", "source_opened")
        };
        let entry = NewAudit {
            actor: switch.author.clone(),
            action: action.to_owned(),
            target: Some(source.to_owned()),
            reason: Some(switch.reason.clone()),
            outcome: AuditOutcome::Succeeded,
            details: json!({}),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        self.tell(verb, json!({ "source": source, "author": author }), now).await;
        Ok(())
    }
}
