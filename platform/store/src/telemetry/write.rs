//! Into the hypertable, and exactly what was new into the rollups.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Telemetry, TelemetryEvent};
use crate::{Result, codec};

/// What a batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Events that are in the database now and were not before.
    pub new: u64,
    /// Events that were there already, or twice in the batch.
    pub duplicates: u64,
}

impl Telemetry {
    /// Writes events, each once (by id and time), and counts those that were new, all in one transaction.
    pub async fn write_batch(&self, events: &[TelemetryEvent]) -> Result<Written> {
        if events.is_empty() {
            return Ok(Written { new: 0, duplicates: 0 });
        }
        let columns = Columns::of(events);
        // One statement is one transaction. Rows go in by id, and counts by their key, so that two writers that hold the same
        // events never wait for each other in a circle. Unique index events_once; primary keys of both rollups.
        let new = sqlx::query_scalar!(
            r#"
            WITH fresh AS (
                INSERT INTO telemetry.events (
                    event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform,
                    build, properties)
                SELECT *
                FROM unnest(
                    $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
                    $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::jsonb[])
                    AS batch (event_id, at)
                ORDER BY event_id, at
                ON CONFLICT (event_id, at) DO NOTHING
                RETURNING at, source, kind
            ), minutes AS (
                INSERT INTO telemetry.event_minutes AS m (minute, source, kind, events)
                SELECT date_trunc('minute', at, 'UTC'), source, kind, count(*)
                FROM fresh
                GROUP BY 1, 2, 3
                ORDER BY 1, 2, 3
                ON CONFLICT (minute, source, kind) DO UPDATE SET events = m.events + excluded.events
            ), totals AS (
                INSERT INTO telemetry.event_totals AS t (source, events)
                SELECT source, count(*)
                FROM fresh
                GROUP BY 1
                ORDER BY 1
                ON CONFLICT (source) DO UPDATE SET events = t.events + excluded.events
            )
            SELECT count(*) AS "count!" FROM fresh
            "#,
            &columns.event_ids,
            &columns.ats,
            &columns.received_ats,
            &columns.sources as &[&str],
            &columns.kinds as &[&str],
            &columns.subject_ids as &[Option<Uuid>],
            &columns.session_ids as &[Option<Uuid>],
            &columns.match_ids as &[Option<Uuid>],
            &columns.modes as &[Option<&str>],
            &columns.queues as &[Option<&str>],
            &columns.regions as &[Option<&str>],
            &columns.platforms as &[Option<&str>],
            &columns.builds as &[Option<&str>],
            &columns.properties as &[Json<&Map<String, Value>>],
        )
        .fetch_one(&self.postgres)
        .await?;
        let new = codec::count(new);
        Ok(Written { new, duplicates: events.len() as u64 - new })
    }
}

/// A batch, column by column, as arrays of PostgreSQL.
#[derive(Default)]
struct Columns<'a> {
    event_ids: Vec<Uuid>,
    ats: Vec<DateTime<Utc>>,
    received_ats: Vec<DateTime<Utc>>,
    sources: Vec<&'static str>,
    kinds: Vec<&'a str>,
    subject_ids: Vec<Option<Uuid>>,
    session_ids: Vec<Option<Uuid>>,
    match_ids: Vec<Option<Uuid>>,
    modes: Vec<Option<&'static str>>,
    queues: Vec<Option<&'a str>>,
    regions: Vec<Option<&'a str>>,
    platforms: Vec<Option<&'a str>>,
    builds: Vec<Option<&'a str>>,
    properties: Vec<Json<&'a Map<String, Value>>>,
}

impl<'a> Columns<'a> {
    fn of(events: &'a [TelemetryEvent]) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.event_ids.push(event.event_id.uuid());
            columns.ats.push(event.at);
            columns.received_ats.push(event.received_at);
            columns.sources.push(event.source.as_str());
            columns.kinds.push(&event.kind);
            columns.subject_ids.push(event.subject_id.map(|id| id.uuid()));
            columns.session_ids.push(event.session_id.map(|id| id.uuid()));
            columns.match_ids.push(event.match_id.map(|id| id.uuid()));
            columns.modes.push(event.mode.map(|mode| mode.as_str()));
            columns.queues.push(event.queue.as_deref());
            columns.regions.push(event.region.as_deref());
            columns.platforms.push(event.platform.as_deref());
            columns.builds.push(event.build.as_deref());
            columns.properties.push(Json(&event.properties));
        }
        columns
    }
}
