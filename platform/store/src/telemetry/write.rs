//! Into the hypertable, and exactly what was new into the rollups.
//!
//! The rows go as arrays, a column each, in PostgreSQL's binary format. `COPY` into a staging table of the connection's own and
//! `INSERT … SELECT` from there were measured against it: they cost the database the same (about 10 µs a row, nearly all of it
//! in the hypertable and its indexes), but took twice as long, since a `COPY` is six answers to wait for and this is one.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::row::Row;
use super::{Telemetry, TelemetryEvent};
use crate::{Result, StoreError, codec};

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
        let lines: Vec<Vec<u8>> = events.iter().map(codec::to_json).collect();
        let rows = lines.iter().map(|line| Row::parse(line)).collect::<std::result::Result<Vec<_>, _>>();
        let rows = rows.map_err(|reason| StoreError::corrupt("a telemetry event", reason))?;
        self.write_rows(&rows).await
    }

    /// The same, for rows.
    pub(super) async fn write_rows(&self, rows: &[Row<'_>]) -> Result<Written> {
        if rows.is_empty() {
            return Ok(Written { new: 0, duplicates: 0 });
        }
        let columns = Columns::of(rows);
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
            &columns.properties as &[Json<&RawValue>],
        )
        .fetch_one(&self.postgres)
        .await?;
        let new = codec::count(new);
        Ok(Written { new, duplicates: rows.len() as u64 - new })
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
    properties: Vec<Json<&'a RawValue>>,
}

impl<'a> Columns<'a> {
    fn of(rows: &'a [Row<'a>]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.event_ids.push(row.event_id.uuid());
            columns.ats.push(row.at);
            columns.received_ats.push(row.received_at);
            columns.sources.push(row.source.as_str());
            columns.kinds.push(&row.kind);
            columns.subject_ids.push(row.subject_id.map(|id| id.uuid()));
            columns.session_ids.push(row.session_id.map(|id| id.uuid()));
            columns.match_ids.push(row.match_id.map(|id| id.uuid()));
            columns.modes.push(row.mode.map(|mode| mode.as_str()));
            columns.queues.push(row.queue.as_deref());
            columns.regions.push(row.region.as_deref());
            columns.platforms.push(row.platform.as_deref());
            columns.builds.push(row.build.as_deref());
            columns.properties.push(Json(row.properties));
        }
        columns
    }
}
