//! Events into the hypertable, and what tables take.

use std::collections::BTreeMap;
use std::fmt::Write;

use muster_store::SeenEvent;
use sqlx::PgPool;

use crate::Outcome;

/// Loads events as they would be stored, their ids counted from `from` on, and says how many.
pub async fn copy(sql: &PgPool, events: &[SeenEvent<'_>], from: u64) -> Outcome<u64> {
    let mut copy = sql.acquire().await?.detach();
    let mut into = copy
        .copy_in_raw(
            "COPY telemetry.events (event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region,
             platform, build, properties) FROM STDIN",
        )
        .await?;
    let mut lines = String::new();
    for (place, event) in events.iter().enumerate() {
        let id = uuid::Uuid::from_u128(u128::from(from + place as u64));
        let at = event.at.to_rfc3339();
        let text = |value: Option<String>| value.unwrap_or_else(|| "\\N".to_owned());
        let own = |value: Option<&str>| text(value.map(str::to_owned));
        let properties = match &*event.properties {
            // About what a client says of a click.
            "{}" => format!(
                r#"{{"screen":"lobby","x":{},"y":{},"label":"play-now-{place}","frame_ms":16.7,"note":"{:0>180}"}}"#,
                place % 1_920,
                place % 1_080,
                place
            ),
            told => told.to_owned(),
        };
        writeln!(
            lines,
            "{id}\t{at}\t{at}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{properties}",
            event.source.as_str(),
            event.kind,
            text(event.subject_id.map(|id| id.uuid().to_string())),
            text(event.session_id.map(|id| id.uuid().to_string())),
            text(event.match_id.map(|id| id.uuid().to_string())),
            own(event.mode.map(|mode| mode.as_str())),
            own(event.queue),
            own(event.region),
            own(event.platform),
            own(event.build),
        )?;
        if lines.len() > 1 << 20 {
            into.send(lines.as_bytes()).await?;
            lines.clear();
        }
    }
    into.send(lines.as_bytes()).await?;
    Ok(into.finish().await?)
}

/// How many kinds of events have a measure.
pub const MEASURED_KINDS: u64 = 8;
/// Their measure.
pub const MEASURE: &str = "took_ms";

/// One of these kinds, from 0 on.
pub fn measured_kind(number: u64) -> String {
    format!("bench.kind_{number}")
}

/// Sums of measures as writers would have left them: of each hour and kind, which clients tell of and whose numbers spread over a factor of 400 (300 buckets).
pub async fn measures(sql: &PgPool, first_day: chrono::NaiveDate, days: i64) -> Outcome<()> {
    let kinds: Vec<String> = (0..MEASURED_KINDS).map(measured_kind).collect();
    let places =
        "FROM generate_series($1::date::timestamp, $1::date + $2::int - INTERVAL '1 hour', INTERVAL '1 hour') AS hour,
        unnest($3::text[]) AS kind";
    let sums = format!(
        "INSERT INTO telemetry.measure_hours (hour, source, kind, measure, samples, sum, min, max)
         SELECT hour AT TIME ZONE 'UTC', 'client', kind, $4, 3000, 123456.789, 20, 8000 {places} ON CONFLICT DO NOTHING"
    );
    let sizes = format!(
        "INSERT INTO telemetry.measure_buckets (hour, source, kind, measure, bucket, samples)
         SELECT hour AT TIME ZONE 'UTC', 'client', kind, $4, bucket, 10 {places}, generate_series(500, 799) AS bucket
         ON CONFLICT DO NOTHING"
    );
    for statement in [sums, sizes] {
        let query = sqlx::query(sqlx::AssertSqlSafe(statement));
        query.bind(first_day).bind(i32::try_from(days)?).bind(&kinds).bind(MEASURE).execute(sql).await?;
    }
    Ok(())
}

/// Bytes of each table of facts and of the events, with indexes and chunks.
pub async fn sizes(sql: &PgPool) -> Outcome<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT n.nspname || '.' || c.relname,
                pg_total_relation_size(c.oid) + coalesce((
                    SELECT sum(pg_total_relation_size(format('%I.%I', i.chunk_schema, i.chunk_name)::regclass))
                    FROM timescaledb_information.chunks i
                    WHERE i.hypertable_schema = n.nspname AND i.hypertable_name = c.relname), 0)::bigint
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND (n.nspname = 'insights' OR (n.nspname, c.relname) IN (('telemetry', 'events'), ('telemetry', 'measure_buckets')))",
    )
    .fetch_all(sql)
    .await?;
    Ok(rows.into_iter().collect())
}
