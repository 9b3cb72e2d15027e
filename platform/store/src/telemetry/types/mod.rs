//! Event types: which there are, who changed them why, and which sources are closed. Every version stays in PostgreSQL, which is
//! the truth; a change is told as a domain event, and every process that judges events reads the new [`Catalogue`] at once.

mod put;
mod sources;
mod watch;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use muster_core::telemetry::{EventSource, EventType, EventTypeDefinition};
use sqlx::PgPool;

use crate::{Domain, Result, codec};

pub use put::{EventTypeChange, MAX_EVENT_TYPES, PutEventTypeError};
pub use sources::{ClosedSource, SourceSwitch, SwitchError};
pub use watch::CatalogueWatch;

/// What every domain event about event types and sources is about.
const NOUN: &str = "event_type";

/// One version of an event type.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTypeVersion {
    /// What it says.
    pub definition: EventTypeDefinition,
    /// Who made this version.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// All event types at one moment, ready to judge events; and the sources from which nothing is taken.
#[derive(Debug, Default)]
pub struct Catalogue {
    types: HashMap<String, EventType>,
    closed: BTreeSet<EventSource>,
}

impl Catalogue {
    /// The type of a kind; None when nobody has defined it.
    pub fn get(&self, kind: &str) -> Option<&EventType> {
        self.types.get(kind)
    }

    /// Whether staff have closed a source.
    pub fn is_closed(&self, source: EventSource) -> bool {
        self.closed.contains(&source)
    }
}

/// Handle on the event types.
#[derive(Clone)]
pub struct EventTypes {
    postgres: PgPool,
    domain: Domain,
}

impl EventTypes {
    pub(crate) fn new(postgres: PgPool, domain: Domain) -> Self {
        Self { postgres, domain }
    }

    /// Adds the types that are not there yet, and tells how many they were. What is there stays as it is, so this may run at
    /// every start.
    pub async fn seed(&self, shipped: &[EventTypeDefinition], now: DateTime<Utc>) -> Result<u64> {
        let mut added = 0;
        let mut tx = self.postgres.begin().await?;
        for definition in shipped {
            let row = sqlx::query!(
                r#"
                INSERT INTO telemetry.event_types (name, version, definition, author, reason, created_at)
                VALUES ($1, 1, $2, 'muster', 'shipped with the platform', $3)
                ON CONFLICT DO NOTHING
                "#,
                definition.name,
                codec::to_json_value(definition),
                now,
            )
            .execute(&mut *tx)
            .await?;
            if row.rows_affected() > 0 {
                put::set_measures(&mut tx, definition).await?;
                added += 1;
            }
        }
        tx.commit().await?;
        Ok(added)
    }

    /// The newest version of every type, by name.
    pub async fn list(&self) -> Result<Vec<EventTypeVersion>> {
        // Primary key of telemetry.event_types.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT DISTINCT ON (name) definition, author, reason, created_at
            FROM telemetry.event_types
            ORDER BY name, version DESC
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(EventTypeVersion::try_from).collect()
    }

    /// The newest version of one type.
    pub async fn get(&self, name: &str) -> Result<Option<EventTypeVersion>> {
        Ok(self.history(name, None, 1).await?.pop())
    }

    /// Versions of one type, newest first: `first` at most, older than `before`; empty when there is no such type.
    pub async fn history(&self, name: &str, before: Option<u32>, first: u32) -> Result<Vec<EventTypeVersion>> {
        // Primary key of telemetry.event_types, backwards.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT definition, author, reason, created_at
            FROM telemetry.event_types
            WHERE name = $1 AND version < $2
            ORDER BY version DESC
            LIMIT $3
            "#,
            name,
            before.map_or(i32::MAX, |before| i32::try_from(before).unwrap_or(i32::MAX)),
            i64::from(first),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(EventTypeVersion::try_from).collect()
    }

    /// All types and switches as they are now. A type that this version cannot read counts as unknown: its events are
    /// quarantined, not lost.
    pub async fn catalogue(&self) -> Result<Catalogue> {
        // Primary key of telemetry.event_types.
        let definitions = sqlx::query!(
            r#"
            SELECT DISTINCT ON (name) name, definition FROM telemetry.event_types ORDER BY name, version DESC
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut types = HashMap::with_capacity(definitions.len());
        for row in definitions {
            let read = codec::from_json_value("an event type", row.definition).map_err(|error| error.to_string());
            match read.and_then(EventType::new) {
                Ok(event_type) => {
                    types.insert(row.name, event_type);
                }
                Err(error) => tracing::warn!(event_type = row.name, error, "an event type cannot be used"),
            }
        }
        let closed = self.closed_sources().await?.into_iter().map(|closed| closed.source).collect();
        Ok(Catalogue { types, closed })
    }
}

struct Row {
    definition: serde_json::Value,
    author: String,
    reason: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for EventTypeVersion {
    type Error = crate::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            definition: codec::from_json_value("an event type", row.definition)?,
            author: row.author,
            reason: row.reason,
            created_at: row.created_at,
        })
    }
}
