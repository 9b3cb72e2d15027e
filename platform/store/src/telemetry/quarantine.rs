//! Events of kinds that nobody has defined: kept apart as they came, counted by kind, and released once somebody has.

use chrono::{DateTime, Utc};
use muster_core::telemetry::EventTypeDefinition;
use muster_core::{id::EventId, telemetry::EventType};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::row::Row;
use super::{Telemetry, TelemetryEvent, Written, write};
use crate::{Result, StoreError, codec};

/// What is in quarantine of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedKind {
    /// The kind.
    pub kind: String,
    /// How many events; 10,000 when there are more.
    pub events: u64,
    /// When the oldest happened, by its sender's clock.
    pub oldest_at: DateTime<Utc>,
    /// When the newest happened.
    pub newest_at: DateTime<Utc>,
    /// Why the newest is here.
    pub reason: String,
}

/// A place in the quarantine of one kind: by time, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantinePlace {
    /// When the event happened.
    pub at: DateTime<Utc>,
    /// Its id.
    pub event_id: EventId,
}

/// What a step of a release did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Released {
    /// Events that are among the others now.
    pub released: u64,
    /// Of these, those that had been there already.
    pub duplicates: u64,
    /// Events that are not what the type says; they stay, with what is wrong as their reason.
    pub refused: u64,
    /// Where to go on; None when all of the kind were looked at.
    pub next: Option<QuarantinePlace>,
}

/// An event on its way into quarantine: its row, and the line it was read from.
pub(super) type Suspect<'a> = (&'a Row<'a>, &'a [u8]);

/// How many events of a kind are counted, of those in quarantine.
const MOST_COUNTED: i64 = 10_000;

impl Telemetry {
    /// Keeps events apart, each once.
    pub(super) async fn quarantine_rows(&self, suspects: &[Suspect<'_>]) -> Result<Written> {
        let read = |line| serde_json::from_slice::<&RawValue>(line);
        let lines = suspects.iter().map(|(_, line)| read(line).map(Json)).collect::<std::result::Result<Vec<_>, _>>();
        let lines = lines.map_err(|error| StoreError::corrupt("a telemetry event", error))?;
        let of = |column: fn(&Row<'_>) -> Uuid| suspects.iter().map(|(row, _)| column(row)).collect::<Vec<_>>();
        let times =
            |column: fn(&Row<'_>) -> DateTime<Utc>| suspects.iter().map(|(row, _)| column(row)).collect::<Vec<_>>();
        let kinds: Vec<&str> = suspects.iter().map(|(row, _)| &*row.kind).collect();
        let sources: Vec<&str> = suspects.iter().map(|(row, _)| row.source.as_str()).collect();
        let subjects: Vec<Option<Uuid>> = suspects.iter().map(|(row, _)| row.subject_id.map(|id| id.uuid())).collect();
        let reasons: Vec<&str> =
            suspects.iter().map(|(row, _)| row.quarantine.as_deref().unwrap_or_default()).collect();
        // Unique index quarantine_once.
        let done = sqlx::query!(
            r#"
            INSERT INTO telemetry.quarantine (event_id, at, received_at, source, kind, subject_id, reason, event)
            SELECT *
            FROM unnest(
                $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::jsonb[])
                AS batch (event_id, at)
            ORDER BY event_id, at
            ON CONFLICT (event_id, at) DO NOTHING
            "#,
            &of(|row| row.event_id.uuid()),
            &times(|row| row.at),
            &times(|row| row.received_at),
            &sources as &[&str],
            &kinds as &[&str],
            &subjects as &[Option<Uuid>],
            &reasons as &[&str],
            &lines as &[Json<&RawValue>],
        )
        .execute(&self.postgres)
        .await?;
        let new = done.rows_affected();
        Ok(Written { new, duplicates: suspects.len() as u64 - new })
    }

    /// What is in quarantine, by kind; `first` kinds (1 or more) at most, after one. Of each, 10,000 events are counted at most: clients
    /// make kinds up, and send as much of each as they like.
    pub async fn quarantined(&self, after: Option<&str>, first: u32) -> Result<Vec<QuarantinedKind>> {
        // Index quarantine_kind.
        let rows = sqlx::query!(
            r#"
            WITH RECURSIVE kinds (kind, place) AS (
                SELECT min(kind), 1 FROM telemetry.quarantine WHERE kind > $1
                UNION ALL
                -- From kind to kind, however much there is of each.
                SELECT (SELECT min(q.kind) FROM telemetry.quarantine q WHERE q.kind > kinds.kind), place + 1
                FROM kinds
                WHERE kinds.kind IS NOT NULL AND place < $2
            )
            SELECT kinds.kind AS "kind!", counted.events AS "events!", oldest.at AS "oldest_at!", newest.at AS "newest_at!",
                   newest.reason AS "reason!"
            FROM kinds
            CROSS JOIN LATERAL (
                SELECT count(*) AS events FROM (
                    SELECT FROM telemetry.quarantine q WHERE q.kind = kinds.kind LIMIT $3
                ) AS first_ones
            ) AS counted
            CROSS JOIN LATERAL (
                SELECT at FROM telemetry.quarantine q WHERE q.kind = kinds.kind ORDER BY at, event_id LIMIT 1
            ) AS oldest
            CROSS JOIN LATERAL (
                SELECT at, reason FROM telemetry.quarantine q WHERE q.kind = kinds.kind
                ORDER BY at DESC, event_id DESC LIMIT 1
            ) AS newest
            ORDER BY kinds.kind
            "#,
            after.unwrap_or_default(),
            i32::try_from(first).unwrap_or(i32::MAX),
            MOST_COUNTED,
        )
        .fetch_all(&self.postgres)
        .await?;
        let kind = |row: (String, i64, DateTime<Utc>, DateTime<Utc>, String)| QuarantinedKind {
            kind: row.0,
            events: codec::count(row.1),
            oldest_at: row.2,
            newest_at: row.3,
            reason: row.4,
        };
        Ok(rows.into_iter().map(|row| kind((row.kind, row.events, row.oldest_at, row.newest_at, row.reason))).collect())
    }

    /// How many events of a kind are in quarantine.
    pub async fn quarantined_of(&self, kind: &str) -> Result<u64> {
        // Index quarantine_kind.
        let events =
            sqlx::query_scalar!(r#"SELECT count(*) AS "events!" FROM telemetry.quarantine WHERE kind = $1"#, kind)
                .fetch_one(&self.postgres)
                .await?;
        Ok(codec::count(events))
    }

    /// Makes quarantined events of a type's kind into events, oldest first: `most` at most, after a place. Each step is one
    /// transaction, so a release that is broken off loses nothing and is gone on with by another one.
    pub async fn release(
        &self,
        definition: &EventTypeDefinition,
        after: Option<QuarantinePlace>,
        most: u32,
    ) -> Result<Released> {
        let event_type =
            EventType::new(definition.clone()).map_err(|error| StoreError::corrupt("an event type", error))?;
        let mut tx = self.postgres.begin().await?;
        // Index quarantine_kind. What another release has in hand is passed over.
        let found = sqlx::query!(
            r#"
            SELECT event_id, at, event
            FROM telemetry.quarantine
            WHERE kind = $1 AND ($2::timestamptz IS NULL OR (at, event_id) > ($2, $3::uuid))
            ORDER BY at, event_id
            LIMIT $4
            FOR UPDATE SKIP LOCKED
            "#,
            definition.name,
            after.map(|place| place.at),
            after.map(|place| place.event_id.uuid()),
            i64::from(most),
        )
        .fetch_all(&mut *tx)
        .await?;
        let next = found.last().filter(|_| found.len() >= most as usize);
        let next = next.map(|row| QuarantinePlace { at: row.at, event_id: EventId::from_uuid(row.event_id) });

        let mut lines = Vec::with_capacity(found.len());
        let (mut done, mut refused) = (Keys::default(), Keys::default());
        let mut reasons = Vec::new();
        for row in found {
            match judge(&event_type, row.event) {
                Ok(line) => {
                    lines.push(line);
                    done.push(row.event_id, row.at);
                }
                Err(reason) => {
                    refused.push(row.event_id, row.at);
                    reasons.push(reason);
                }
            }
        }
        let rows = lines.iter().map(|line| Row::parse(line)).collect::<serde_json::Result<Vec<_>>>();
        let rows = rows.map_err(|error| StoreError::corrupt("a quarantined event", error))?;
        let rows: Vec<&Row<'_>> = rows.iter().collect();
        let new = if rows.is_empty() { 0 } else { write::insert(&mut tx, &rows).await? };
        sqlx::query!(
            r#"
            DELETE FROM telemetry.quarantine q USING unnest($1::uuid[], $2::timestamptz[]) AS done (event_id, at)
            WHERE q.event_id = done.event_id AND q.at = done.at
            "#,
            &done.ids,
            &done.ats,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            r#"
            UPDATE telemetry.quarantine q SET reason = refused.reason
            FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS refused (event_id, at, reason)
            WHERE q.event_id = refused.event_id AND q.at = refused.at
            "#,
            &refused.ids,
            &refused.ats,
            &reasons,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let released = rows.len() as u64;
        Ok(Released { released, duplicates: released - new, refused: reasons.len() as u64, next })
    }
}

/// Which rows, column by column.
#[derive(Default)]
struct Keys {
    ids: Vec<Uuid>,
    ats: Vec<DateTime<Utc>>,
}

impl Keys {
    fn push(&mut self, id: Uuid, at: DateTime<Utc>) {
        self.ids.push(id);
        self.ats.push(at);
    }
}

/// A quarantined event as the line of an event; or why it is not what its type says.
fn judge(event_type: &EventType, event: Value) -> std::result::Result<Vec<u8>, String> {
    let mut event: TelemetryEvent = serde_json::from_value(event).map_err(|error| error.to_string())?;
    if !event_type.definition.sources.contains(&event.source) {
        return Err(format!("its type is not for the source {}", event.source));
    }
    let properties = Value::Object(event.properties);
    event_type.check(&properties).map_err(|fault| format!("{}: {}", fault.path, fault.message))?;
    event.properties = match properties {
        Value::Object(properties) => properties,
        _ => serde_json::Map::new(),
    };
    event.quarantine = None;
    Ok(codec::to_json(&event))
}
