//! Rows of which some may be stored already, into the hypertable.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Row;
use crate::Result;

/// Stores those that are not there yet, and tells which they were.
///
/// They go as arrays, a column each, in PostgreSQL's binary format, and in by id. Unique index events_once.
pub(super) async fn insert_missing<'a>(
    transaction: &mut PgConnection,
    rows: &[&'a Row<'a>],
) -> Result<Vec<&'a Row<'a>>> {
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
            RETURNING event_id, at
        )
        SELECT array_agg(event_id) AS ids, array_agg(at) AS ats FROM fresh
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
    .fetch_one(transaction)
    .await?;
    // Each key once: a row that is twice among these was new once. The database keeps microseconds.
    let key = |(id, at): (Uuid, DateTime<Utc>)| (id, at.timestamp_micros());
    let mut new: HashSet<_> =
        stored.ids.unwrap_or_default().into_iter().zip(stored.ats.unwrap_or_default()).map(key).collect();
    Ok(rows.iter().copied().filter(|row| new.remove(&key((row.event_id.uuid(), row.at)))).collect())
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
    fn of(rows: &[&'a Row<'a>]) -> Self {
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
