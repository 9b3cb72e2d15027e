//! Whether the rollups are what a recount of the events gives. They always are; this is how anybody can see it.

use chrono::{DateTime, Utc};

use super::Telemetry;
use crate::{Result, codec};

/// What a recount found: for each rollup how many of its rows differ from what the events say, missing ones and superfluous ones
/// included. All zero, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recount {
    /// Events that were counted.
    pub events: u64,
    /// Rows of `event_minutes` that differ.
    pub minutes: u64,
    /// Rows of `event_hours` that differ.
    pub hours: u64,
    /// Rows of `player_days` that differ.
    pub player_days: u64,
    /// Rows of `session_sequences` that differ.
    pub sessions: u64,
    /// Rows of `measure_hours` that differ, of the measures that types name now, from the first hour on in which all events were
    /// counted: a measure that was added later begins an hour after that.
    pub measures: u64,
    /// Rows of `measure_buckets` that differ, of the same hours.
    pub buckets: u64,
    /// Rows of `event_totals` that differ from the sum of all of `event_hours`: totals are of all time, and events are not.
    pub totals: u64,
}

impl Recount {
    /// Whether every rollup is what the events say.
    pub fn is_exact(&self) -> bool {
        [self.minutes, self.hours, self.player_days, self.sessions, self.measures, self.buckets, self.totals] == [0; 7]
    }
}

/// Which events of a kind are stored, told by numbers that whoever sent them can work out too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCensus {
    /// How many.
    pub events: u64,
    /// Of these, those whose id another one has.
    pub same_id: u64,
    /// The sum of the last 48 bits of their ids.
    pub id_sum: u128,
    /// The same bits, each odd or even.
    pub id_xor: u64,
    /// Numbers of their sessions that are missing between the first and the last one.
    pub gaps: u64,
}

impl Telemetry {
    /// Counts the events of whole days (UTC) anew, from one to before another, and compares. It reads all of them: seconds for
    /// millions. Days whose chunks were dropped are not for this: rollups outlive events.
    pub async fn recount(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Recount> {
        // One statement sees one moment. Chunks of telemetry.events outside the span are not looked at.
        let row = sqlx::query!(
            r#"
            WITH span AS (
                SELECT date_trunc('day', $1::timestamptz, 'UTC') AS from_day, date_trunc('day', $2::timestamptz, 'UTC') AS to_day
            ), raw AS MATERIALIZED (
                SELECT at, source, kind, subject_id, session_id, sequence,
                       CASE WHEN kind IN (SELECT kind FROM telemetry.measures) THEN properties END AS properties
                FROM telemetry.events, span
                WHERE at >= from_day AND at < to_day
            ), minutes AS (
                SELECT date_trunc('minute', at, 'UTC') AS minute, source, kind, count(*) AS events FROM raw GROUP BY 1, 2, 3
            ), hours AS (
                SELECT date_trunc('hour', minute, 'UTC') AS hour, source, kind, sum(events) AS events FROM minutes GROUP BY 1, 2, 3
            ), days AS (
                SELECT DISTINCT (at AT TIME ZONE 'UTC')::date AS day, subject_id FROM raw WHERE subject_id IS NOT NULL
            ), sessions AS (
                SELECT session_id, date_trunc('day', at, 'UTC') AS day, count(*) AS numbered, min(sequence) AS first_sequence,
                       max(sequence) AS last_sequence, min(at) AS first_at, max(at) AS last_at
                FROM raw
                WHERE session_id IS NOT NULL AND sequence IS NOT NULL
                GROUP BY 1, 2
            ), counted AS (
                -- Events may be ahead of our clock by minutes, and a writer may be at work on some while the type changes.
                SELECT kind, measure, since + INTERVAL '1 hour' AS since FROM telemetry.measures
            ), numbers AS MATERIALIZED (
                SELECT date_trunc('hour', r.at, 'UTC') AS hour, r.source, r.kind, m.measure,
                       (r.properties -> m.measure)::numeric AS value
                FROM raw r
                JOIN counted m ON m.kind = r.kind AND date_trunc('hour', r.at, 'UTC') >= m.since
                WHERE jsonb_typeof(r.properties -> m.measure) = 'number'
            ), measures AS (
                SELECT hour, source, kind, measure, count(*) AS samples, sum(value) AS sum, min(value) AS min, max(value) AS max
                FROM numbers
                GROUP BY 1, 2, 3, 4
            ), buckets AS (
                SELECT hour, source, kind, measure, telemetry.bucket_of(value) AS bucket, count(*) AS samples
                FROM numbers
                GROUP BY 1, 2, 3, 4, 5
            )
            SELECT
                (SELECT count(*) FROM raw) AS "events!",
                (SELECT count(*)
                 FROM minutes a
                 FULL JOIN (SELECT minute, source, kind, events FROM telemetry.event_minutes, span
                            WHERE minute >= from_day AND minute < to_day) b USING (minute, source, kind)
                 WHERE a.events IS DISTINCT FROM b.events) AS "minutes!",
                (SELECT count(*)
                 FROM hours a
                 FULL JOIN (SELECT hour, source, kind, events FROM telemetry.event_hours, span
                            WHERE hour >= from_day AND hour < to_day) b USING (hour, source, kind)
                 WHERE a.events IS DISTINCT FROM b.events) AS "hours!",
                (SELECT count(*)
                 FROM (SELECT day, subject_id, true AS there FROM days) a
                 FULL JOIN (SELECT day, subject_id, true AS there FROM telemetry.player_days, span
                            WHERE day >= (from_day AT TIME ZONE 'UTC')::date AND day < (to_day AT TIME ZONE 'UTC')::date) b
                     USING (day, subject_id)
                 WHERE a.there IS DISTINCT FROM b.there) AS "player_days!",
                (SELECT count(*)
                 FROM sessions a
                 FULL JOIN (SELECT s.* FROM telemetry.session_sequences s, span WHERE day >= from_day AND day < to_day) b
                     USING (session_id, day)
                 WHERE (a.numbered, a.first_sequence, a.last_sequence, a.first_at, a.last_at)
                     IS DISTINCT FROM (b.numbered, b.first_sequence, b.last_sequence, b.first_at, b.last_at)) AS "sessions!",
                (SELECT count(*)
                 FROM measures a
                 FULL JOIN (SELECT h.* FROM telemetry.measure_hours h JOIN counted USING (kind, measure), span
                            WHERE hour >= from_day AND hour < to_day AND hour >= since) b
                     USING (hour, source, kind, measure)
                 WHERE (a.samples, a.sum, a.min, a.max) IS DISTINCT FROM (b.samples, b.sum, b.min, b.max)) AS "measures!",
                (SELECT count(*)
                 FROM buckets a
                 FULL JOIN (SELECT h.* FROM telemetry.measure_buckets h JOIN counted USING (kind, measure), span
                            WHERE hour >= from_day AND hour < to_day AND hour >= since) b
                     USING (hour, source, kind, measure, bucket)
                 WHERE a.samples IS DISTINCT FROM b.samples) AS "buckets!",
                (SELECT count(*)
                 FROM (SELECT source, sum(events) AS events FROM telemetry.event_hours GROUP BY 1) a
                 FULL JOIN telemetry.event_totals b USING (source)
                 WHERE a.events IS DISTINCT FROM b.events) AS "totals!"
            "#,
            from,
            to,
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(Recount {
            events: codec::count(row.events),
            minutes: codec::count(row.minutes),
            hours: codec::count(row.hours),
            player_days: codec::count(row.player_days),
            sessions: codec::count(row.sessions),
            measures: codec::count(row.measures),
            buckets: codec::count(row.buckets),
            totals: codec::count(row.totals),
        })
    }

    /// Which events of a kind are stored. It reads all there are.
    pub async fn census(&self, kind: &str) -> Result<EventCensus> {
        let row = sqlx::query!(
            r#"
            WITH raw AS MATERIALIZED (
                SELECT event_id, session_id, sequence, ('x' || right(event_id::text, 12))::bit(48)::bigint AS low
                FROM telemetry.events
                WHERE kind = $1
            ), sessions AS (
                SELECT max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) AS gaps
                FROM raw
                WHERE session_id IS NOT NULL AND sequence IS NOT NULL
                GROUP BY session_id
            )
            SELECT count(*) AS "events!", count(DISTINCT event_id) AS "ids!", coalesce(sum(low), 0)::text AS "id_sum!",
                   coalesce(bit_xor(low), 0) AS "id_xor!",
                   (SELECT coalesce(sum(gaps), 0)::bigint FROM sessions) AS "gaps!"
            FROM raw
            "#,
            kind
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(EventCensus {
            events: codec::count(row.events),
            same_id: codec::count(row.events - row.ids),
            id_sum: codec::parse("a sum of ids", &row.id_sum)?,
            id_xor: codec::count(row.id_xor),
            gaps: codec::count(row.gaps),
        })
    }

    /// How many numbers are missing in the sessions whose last numbered event is of a span, and in how many of them: what did
    /// not come, and what was not stored because it was sampled out, switched off, refused or is in quarantine.
    pub async fn gaps(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<SessionGaps> {
        // Sessions begin at 1, so what is missing at their beginning counts. Sessions of several days are added up.
        let row = sqlx::query!(
            r#"
            WITH sessions AS (
                SELECT session_id, greatest(max(last_sequence) - sum(numbered), 0)::bigint AS missing
                FROM telemetry.session_sequences
                WHERE day >= $1::timestamptz - INTERVAL '7 days' AND day < $2::timestamptz
                GROUP BY session_id
                HAVING max(last_at) >= $1 AND max(last_at) < $2
            )
            SELECT count(*) AS "sessions!", count(*) FILTER (WHERE missing > 0) AS "with_gaps!",
                   coalesce(sum(missing), 0)::bigint AS "missing!"
            FROM sessions
            "#,
            from,
            to,
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(SessionGaps {
            sessions: codec::count(row.sessions),
            with_gaps: codec::count(row.with_gaps),
            missing: codec::count(row.missing),
        })
    }
}

/// What is missing in sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionGaps {
    /// Sessions with numbered events.
    pub sessions: u64,
    /// Of these, those in which numbers are missing.
    pub with_gaps: u64,
    /// How many numbers are missing, in all of them together.
    pub missing: u64,
}
