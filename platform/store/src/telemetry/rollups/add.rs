//! Into the tables.

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Key, Numbers, Rollups, Session};
use crate::Result;

impl Rollups<'_> {
    /// Adds them, in the caller's transaction: one statement.
    ///
    /// Each table in the order of its keys, so that two writers never wait for each other in a circle. Primary keys of the rollups;
    /// unique index session_sequences_once.
    pub async fn add(self, transaction: &mut PgConnection) -> Result<()> {
        let mut minutes = Minutes::default();
        self.minutes.into_iter().for_each(|(key, events)| minutes.push(key, events));
        let (days, players): (Vec<_>, Vec<_>) = self.player_days.into_iter().unzip();
        let mut sessions = Sessions::default();
        self.sessions.into_iter().for_each(|(key, session)| sessions.push(key, &session));
        let mut measures = Measured::default();
        self.measures.into_iter().for_each(|((key, name), numbers)| measures.push(key, name, numbers));
        sqlx::query!(
            r#"
            WITH counted AS (
                SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[]) AS c (minute, source, kind, events)
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
                SELECT *
                FROM unnest($5::date[], $6::uuid[])
                ORDER BY 1, 2
                ON CONFLICT DO NOTHING
            ), sequences AS (
                INSERT INTO telemetry.session_sequences AS s (
                    session_id, day, numbered, first_sequence, last_sequence, first_at, last_at)
                SELECT *
                FROM unnest(
                    $7::uuid[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[],
                    $13::timestamptz[])
                ORDER BY 1, 2
                ON CONFLICT (session_id, day) DO UPDATE
                SET numbered = s.numbered + excluded.numbered,
                    first_sequence = least(s.first_sequence, excluded.first_sequence),
                    last_sequence = greatest(s.last_sequence, excluded.last_sequence),
                    first_at = least(s.first_at, excluded.first_at),
                    last_at = greatest(s.last_at, excluded.last_at)
            ), sums AS (
                INSERT INTO telemetry.measure_hours AS h (hour, source, kind, measure, samples, sum, min, max)
                SELECT *
                FROM unnest(
                    $14::timestamptz[], $15::text[], $16::text[], $17::text[], $18::bigint[], $19::numeric[], $20::numeric[],
                    $21::numeric[])
                ORDER BY 1, 2, 3, 4
                ON CONFLICT (hour, source, kind, measure) DO UPDATE
                SET samples = h.samples + excluded.samples, sum = h.sum + excluded.sum,
                    min = least(h.min, excluded.min), max = greatest(h.max, excluded.max)
            )
            INSERT INTO telemetry.measure_buckets AS b (hour, source, kind, measure, bucket, samples)
            SELECT hour, source, kind, measure, bucket, c.samples
            FROM unnest($22::bigint[], $23::integer[], $24::bigint[]) AS c (place, bucket, samples)
            JOIN unnest($14::timestamptz[], $15::text[], $16::text[], $17::text[]) WITH ORDINALITY
                AS m (hour, source, kind, measure, place) USING (place)
            ORDER BY 1, 2, 3, 4, 5
            ON CONFLICT (hour, source, kind, measure, bucket) DO UPDATE SET samples = b.samples + excluded.samples
            "#,
            &minutes.begin,
            &minutes.source as &[&str],
            &minutes.kind as &[&str],
            &minutes.events,
            &days,
            &players,
            &sessions.id,
            &sessions.day,
            &sessions.numbered,
            &sessions.first_sequence,
            &sessions.last_sequence,
            &sessions.first_at,
            &sessions.last_at,
            &measures.hour,
            &measures.source as &[&str],
            &measures.kind as &[&str],
            &measures.name as &[&str],
            &measures.samples,
            &measures.sum,
            &measures.min,
            &measures.max,
            &measures.bucket_of,
            &measures.bucket,
            &measures.bucket_samples,
        )
        .execute(transaction)
        .await?;
        Ok(())
    }
}

#[derive(Default)]
struct Minutes<'a> {
    begin: Vec<DateTime<Utc>>,
    source: Vec<&'static str>,
    kind: Vec<&'a str>,
    events: Vec<i64>,
}

impl<'a> Minutes<'a> {
    fn push(&mut self, (begin, source, kind): Key<'a>, events: i64) {
        self.begin.push(moment(begin));
        self.source.push(source.as_str());
        self.kind.push(kind);
        self.events.push(events);
    }
}

#[derive(Default)]
struct Sessions {
    id: Vec<Uuid>,
    day: Vec<DateTime<Utc>>,
    numbered: Vec<i64>,
    first_sequence: Vec<i64>,
    last_sequence: Vec<i64>,
    first_at: Vec<DateTime<Utc>>,
    last_at: Vec<DateTime<Utc>>,
}

impl Sessions {
    fn push(&mut self, (id, day): (Uuid, NaiveDate), session: &Session) {
        self.id.push(id);
        self.day.push(day.and_time(NaiveTime::MIN).and_utc());
        self.numbered.push(session.numbered);
        self.first_sequence.push(session.sequences.0);
        self.last_sequence.push(session.sequences.1);
        self.first_at.push(session.times.0);
        self.last_at.push(session.times.1);
    }
}

#[derive(Default)]
struct Measured<'a> {
    hour: Vec<DateTime<Utc>>,
    source: Vec<&'static str>,
    kind: Vec<&'a str>,
    name: Vec<&'a str>,
    samples: Vec<i64>,
    sum: Vec<BigDecimal>,
    min: Vec<BigDecimal>,
    max: Vec<BigDecimal>,
    /// Where the measure of a bucket stands in the lists above, from 1 on.
    bucket_of: Vec<i64>,
    bucket: Vec<i32>,
    bucket_samples: Vec<i64>,
}

impl<'a> Measured<'a> {
    fn push(&mut self, (hour, source, kind): Key<'a>, name: &'a str, numbers: Numbers) {
        self.hour.push(moment(hour));
        self.source.push(source.as_str());
        self.kind.push(kind);
        self.name.push(name);
        self.samples.push(numbers.samples);
        self.sum.push(numbers.sum);
        self.min.push(numbers.min);
        self.max.push(numbers.max);
        for (bucket, samples) in numbers.buckets {
            self.bucket_of.push(self.hour.len() as i64);
            self.bucket.push(bucket);
            self.bucket_samples.push(samples);
        }
    }
}

/// So many seconds after the beginning of 1970; that of an event is never too far from it.
fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}
