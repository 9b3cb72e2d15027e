//! Into the hypertable, and exactly what was new into the rollups.
//!
//! The rows go as arrays, a column each, in PostgreSQL's binary format. `COPY` into a staging table of the connection's own and
//! `INSERT … SELECT` from there were measured against it: they cost the database the same (about 10 µs a row, nearly all of it
//! in the hypertable and its indexes), but took twice as long, since a `COPY` is six answers to wait for and this is one.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::row::Row;
use super::{Telemetry, TelemetryEvent};
use crate::insights::{self, SeenEvent};
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
        let mut tx = self.postgres.begin().await?;
        let new = insert(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(Written { new, duplicates: rows.len() as u64 - new })
    }
}

/// Stores rows and counts those that were new, and tells how many they were. Two statements in the caller's transaction.
///
/// Rows go in by id, and counts by their key, so that two writers that hold the same events never wait for each other in a circle.
/// Unique indexes events_once and session_sequences_once; primary keys of the rollups.
pub(super) async fn insert(tx: &mut PgConnection, rows: &[Row<'_>]) -> Result<u64> {
    let columns = Columns::of(rows);
    let stored = sqlx::query!(
        r#"
        WITH fresh AS (
            INSERT INTO telemetry.events (
                event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform,
                build, properties, sequence, skew_ms)
            SELECT *
            FROM unnest(
                $1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
                $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::bigint[],
                $16::integer[])
                AS batch (event_id, at)
            ORDER BY event_id, at
            ON CONFLICT (event_id, at) DO NOTHING
            RETURNING event_id, at, source, kind, subject_id, session_id, sequence,
                CASE WHEN kind IN (SELECT kind FROM telemetry.measures) THEN properties END AS measured
        ), counted AS (
            SELECT date_trunc('minute', at, 'UTC') AS minute, source, kind, count(*) AS events
            FROM fresh
            GROUP BY 1, 2, 3
        ), measured AS (
            SELECT date_trunc('hour', f.at, 'UTC') AS hour, f.source, f.kind, m.measure,
                   (f.measured -> m.measure)::numeric AS value
            FROM fresh f
            JOIN telemetry.measures m ON m.kind = f.kind
            WHERE jsonb_typeof(f.measured -> m.measure) = 'number'
        ), minutes AS (
            INSERT INTO telemetry.event_minutes AS m (minute, source, kind, events)
            SELECT minute, source, kind, events
            FROM counted
            ORDER BY 1, 2, 3
            ON CONFLICT (minute, source, kind) DO UPDATE SET events = m.events + excluded.events
        ), hours AS (
            INSERT INTO telemetry.event_hours AS h (hour, source, kind, events)
            SELECT date_trunc('hour', minute, 'UTC'), source, kind, sum(events)
            FROM counted
            GROUP BY 1, 2, 3
            ORDER BY 1, 2, 3
            ON CONFLICT (hour, source, kind) DO UPDATE SET events = h.events + excluded.events
        ), totals AS (
            INSERT INTO telemetry.event_totals AS t (source, events)
            SELECT source, sum(events)
            FROM counted
            GROUP BY 1
            ORDER BY 1
            ON CONFLICT (source) DO UPDATE SET events = t.events + excluded.events
        ), days AS (
            INSERT INTO telemetry.player_days (day, subject_id)
            SELECT DISTINCT (at AT TIME ZONE 'UTC')::date, subject_id
            FROM fresh
            WHERE subject_id IS NOT NULL
            ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        ), sequences AS (
            INSERT INTO telemetry.session_sequences AS s (
                session_id, day, numbered, first_sequence, last_sequence, first_at, last_at)
            SELECT session_id, date_trunc('day', at, 'UTC'), count(*), min(sequence), max(sequence), min(at), max(at)
            FROM fresh
            WHERE session_id IS NOT NULL AND sequence IS NOT NULL
            GROUP BY 1, 2
            ORDER BY 1, 2
            ON CONFLICT (session_id, day) DO UPDATE
            SET numbered = s.numbered + excluded.numbered,
                first_sequence = least(s.first_sequence, excluded.first_sequence),
                last_sequence = greatest(s.last_sequence, excluded.last_sequence),
                first_at = least(s.first_at, excluded.first_at),
                last_at = greatest(s.last_at, excluded.last_at)
        ), sums AS (
            INSERT INTO telemetry.measure_hours AS h (hour, source, kind, measure, samples, sum, min, max)
            SELECT hour, source, kind, measure, count(*), sum(value), min(value), max(value)
            FROM measured
            GROUP BY 1, 2, 3, 4
            ORDER BY 1, 2, 3, 4
            ON CONFLICT (hour, source, kind, measure) DO UPDATE
            SET samples = h.samples + excluded.samples, sum = h.sum + excluded.sum,
                min = least(h.min, excluded.min), max = greatest(h.max, excluded.max)
        ), buckets AS (
            INSERT INTO telemetry.measure_buckets AS b (hour, source, kind, measure, bucket, samples)
            SELECT hour, source, kind, measure, telemetry.bucket_of(value), count(*)
            FROM measured
            GROUP BY 1, 2, 3, 4, 5
            ORDER BY 1, 2, 3, 4, 5
            ON CONFLICT (hour, source, kind, measure, bucket) DO UPDATE SET samples = b.samples + excluded.samples
        )
        SELECT coalesce(sum(events), 0)::bigint AS "count!",
               -- Which they were, unless all.
               CASE WHEN coalesce(sum(events), 0) < cardinality($1::uuid[]) THEN (SELECT array_agg(event_id) FROM fresh) END AS ids,
               CASE WHEN coalesce(sum(events), 0) < cardinality($1::uuid[]) THEN (SELECT array_agg(at) FROM fresh) END AS ats
        FROM counted
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
        &columns.sequences as &[Option<i64>],
        &columns.skews as &[Option<i32>],
    )
    .fetch_one(&mut *tx)
    .await?;
    let count = codec::count(stored.count);
    if count == rows.len() as u64 {
        let seen: Vec<SeenEvent<'_>> = rows.iter().map(Row::seen).collect();
        insights::record(tx, &seen).await?;
    } else {
        // Each key once: a row that is twice in the batch was new once. The database keeps microseconds.
        let key = |(id, at): (Uuid, DateTime<Utc>)| (id, at.timestamp_micros());
        let mut fresh: HashSet<_> =
            stored.ids.unwrap_or_default().into_iter().zip(stored.ats.unwrap_or_default()).map(key).collect();
        let new = rows.iter().filter(|row| fresh.remove(&key((row.event_id.uuid(), row.at))));
        let seen: Vec<SeenEvent<'_>> = new.map(Row::seen).collect();
        insights::record(tx, &seen).await?;
    }
    Ok(count)
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
    sequences: Vec<Option<i64>>,
    skews: Vec<Option<i32>>,
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
            columns.sequences.push(row.sequence);
            columns.skews.push(row.skew_ms);
        }
        columns
    }
}
