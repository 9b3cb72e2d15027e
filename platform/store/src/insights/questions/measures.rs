//! How large the numbers are that events carry.

use std::collections::BTreeMap;

use bigdecimal::{BigDecimal, ToPrimitive};
use chrono::{DateTime, Utc};

use super::{MAX_DAYS_BY_HOUR, Step};
use crate::codec;
use crate::insights::Insights;
use crate::insights::range::{AskError, Days};
use crate::telemetry::{TelemetrySource, middle_of_bucket};

/// A number that events of a kind carry, as their type names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The kind of the events.
    pub kind: String,
    /// The property.
    pub name: String,
    /// Only of events that were seen by this one; of all, where there is none.
    pub source: Option<TelemetrySource>,
}

/// What measures can be told apart by. Their sums know no region, platform or build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureDimension {
    /// Who saw the events.
    Source,
    /// The season that they were in; what was in none is left out.
    Season,
}

/// The numbers of an hour or a day, or all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasureFacts {
    /// How many numbers there were; exact. Events without the property, or with something else in it, have none.
    pub samples: u64,
    /// All of them together, in the measure's own unit: exact before it was rounded to this.
    pub sum: f64,
    /// On average; as exact.
    pub mean: Option<f64>,
    /// The least; as exact.
    pub min: Option<f64>,
    /// The greatest; as exact.
    pub max: Option<f64>,
    /// Half of them were no greater; this and the next two are at most 1 % off, and 0.001 where they are closer to zero than that.
    pub p50: Option<f64>,
    /// 95 of 100 were no greater.
    pub p95: Option<f64>,
    /// 99 of 100 were no greater.
    pub p99: Option<f64>,
}

/// The numbers of a measure, all in all and over time.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureSeries {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// All in all.
    pub whole: MeasureFacts,
    /// By the hour or the day of the events; those without any are absent.
    pub points: Vec<(DateTime<Utc>, MeasureFacts)>,
}

#[derive(Default)]
struct Sums {
    samples: i64,
    sum: BigDecimal,
    /// The least and the greatest.
    ends: Option<(f64, f64)>,
    /// How many numbers each bucket has.
    sizes: BTreeMap<i32, i64>,
}

impl Insights {
    /// Count, sum and percentiles of a measure, of the events that happened in the range. By the hour for up to 14 days. As of the last
    /// batch that a writer stored; nothing before the hour in which the type first named the measure.
    pub async fn measures(
        &self,
        days: Days,
        measure: &Measure,
        step: Step,
        by: Option<MeasureDimension>,
    ) -> Result<Vec<MeasureSeries>, AskError> {
        match by {
            Some(MeasureDimension::Season) => {
                self.by_season(days, |days| self.measures_of(days, measure, step, false)).await
            }
            by => self.measures_of(days, measure, step, by.is_some()).await,
        }
    }

    async fn measures_of(
        &self,
        days: Days,
        measure: &Measure,
        step: Step,
        by_source: bool,
    ) -> Result<Vec<MeasureSeries>, AskError> {
        let seconds = match step {
            Step::Minute => return AskError::invalid("measures are told by the hour or the day"),
            Step::Hour if days.count() > MAX_DAYS_BY_HOUR => {
                return AskError::invalid(format!("by the hour, ask for {MAX_DAYS_BY_HOUR} days at most"));
            }
            Step::Hour => 3_600.0,
            Step::Day => 86_400.0,
        };
        let span = days.span();
        let mut tx = self.postgres.begin().await?;
        // A plan for all spans, which PostgreSQL would make at the sixth question, takes the primary key: it reads every kind's hours.
        sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut *tx).await?;
        // Indexes measure_hours_by_kind and measure_buckets_by_kind. One statement sees one moment, so both say the same.
        let rows = sqlx::query!(
            r#"
            WITH sums AS (
                SELECT date_bin(make_interval(secs => $6), hour, 'epoch'::timestamptz) AS at,
                       CASE WHEN $7 THEN source ELSE '' END AS seen_by, sum(samples)::bigint AS samples, sum(sum) AS sum,
                       min(min) AS min, max(max) AS max
                FROM telemetry.measure_hours
                WHERE kind = $1 AND measure = $2 AND hour >= $3 AND hour < $4 AND ($5::text IS NULL OR source = $5)
                GROUP BY 1, 2
            ), sizes AS (
                SELECT date_bin(make_interval(secs => $6), hour, 'epoch'::timestamptz) AS at,
                       CASE WHEN $7 THEN source ELSE '' END AS seen_by, bucket, sum(samples)::bigint AS samples
                FROM telemetry.measure_buckets
                WHERE kind = $1 AND measure = $2 AND hour >= $3 AND hour < $4 AND ($5::text IS NULL OR source = $5)
                GROUP BY 1, 2, 3
            ), sketches AS (
                SELECT at, seen_by, array_agg(bucket) AS buckets, array_agg(samples) AS sizes FROM sizes GROUP BY 1, 2
            )
            SELECT at AS "at!", seen_by AS "seen_by!", samples AS "samples!", sum AS "sum!", min AS "min!", max AS "max!",
                   buckets AS "buckets!", sizes AS "sizes!"
            FROM sums JOIN sketches USING (at, seen_by)
            "#,
            measure.kind,
            measure.name,
            span.from,
            span.to,
            measure.source.map(TelemetrySource::as_str),
            seconds,
            by_source,
        )
        .fetch_all(&mut *tx)
        .await?;
        drop(tx);
        let mut series: BTreeMap<Option<String>, BTreeMap<DateTime<Utc>, Sums>> = BTreeMap::new();
        if !by_source {
            series.insert(None, BTreeMap::new());
        }
        for row in rows {
            let point = Sums {
                samples: row.samples,
                sum: row.sum,
                ends: Some((number(&row.min), number(&row.max))),
                sizes: row.buckets.into_iter().zip(row.sizes).collect(),
            };
            series.entry(by_source.then_some(row.seen_by)).or_default().insert(row.at, point);
        }
        let told = |(group, points): (Option<String>, BTreeMap<DateTime<Utc>, Sums>)| {
            let mut whole = Sums::default();
            points.values().for_each(|point| whole.add(point));
            let points = points.into_iter().map(|(at, point)| (at, point.facts())).collect();
            MeasureSeries { group, whole: whole.facts(), points }
        };
        Ok(series.into_iter().map(told).collect())
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.sum += &other.sum;
        self.ends = match (self.ends, other.ends) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
        for (bucket, samples) in &other.sizes {
            *self.sizes.entry(*bucket).or_default() += samples;
        }
    }

    fn facts(&self) -> MeasureFacts {
        MeasureFacts {
            samples: codec::count(self.samples),
            sum: number(&self.sum),
            mean: (self.samples > 0).then(|| number(&(&self.sum / BigDecimal::from(self.samples)))),
            min: self.ends.map(|ends| ends.0),
            max: self.ends.map(|ends| ends.1),
            p50: self.at(0.5),
            p95: self.at(0.95),
            p99: self.at(0.99),
        }
    }

    /// The number that has `quantile` (0 to 1) of all at or below it (nearest rank); None without numbers.
    fn at(&self, quantile: f64) -> Option<f64> {
        let rank = ((self.samples as f64 * quantile).ceil() as i64).max(1);
        let mut seen = 0;
        let (bucket, _) = self.sizes.iter().find(|(_, samples)| {
            seen += **samples;
            seen >= rank
        })?;
        // None is beyond the ends.
        self.ends.map(|(least, greatest)| middle_of_bucket(*bucket).clamp(least, greatest))
    }
}

/// The closest double; a sum that is larger than any is told as the largest.
fn number(decimal: &BigDecimal) -> f64 {
    decimal.to_f64().unwrap_or_default().clamp(f64::MIN, f64::MAX)
}
