//! How long tickets wait, and how good their matches are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{MAX_DAYS_BY_HOUR, Step, ratio};
use crate::codec;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sketch::Sketch;

/// Tickets that ended in an hour or a day, or all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueHour {
    /// Tickets.
    pub tickets: u64,
    /// Their players.
    pub players: u64,
    /// Tickets that got a match.
    pub matched: u64,
    /// Tickets that were cancelled, by their players or by the trusted server that queued them.
    pub cancelled: u64,
    /// Tickets that waited too long.
    pub expired: u64,
    /// Tickets that ended in any other way.
    pub failed: u64,
    /// The share of tickets that were cancelled, 0 to 1.
    pub abandonment: f64,
    /// How long those that got a match had waited, in milliseconds, on average; exact.
    pub mean_wait_ms: Option<f64>,
    /// Half of them waited no longer; this and the next two are at most 2.5 % off.
    pub p50_wait_ms: Option<f64>,
    /// 95 of 100 waited no longer.
    pub p95_wait_ms: Option<f64>,
    /// 99 of 100 waited no longer.
    pub p99_wait_ms: Option<f64>,
    /// How even their matches were, on average, 0 to 1.
    pub mean_quality: Option<f64>,
    /// One in ten had a match less even; at most 0.005 off.
    pub p10_quality: Option<f64>,
}

/// How a queue did, all in all and over time.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSeries {
    /// The queue.
    pub queue: String,
    /// The value of what it is told apart by; [`MIXED`](crate::MIXED) where its players had different platforms or builds.
    pub group: Option<String>,
    /// All in all.
    pub whole: QueueHour,
    /// By the hour or the day they ended in; those without any are absent.
    pub points: Vec<(DateTime<Utc>, QueueHour)>,
}

#[derive(Default)]
struct Sums {
    tickets: i64,
    players: i64,
    matched: i64,
    cancelled: i64,
    expired: i64,
    failed: i64,
    wait_total_ms: i64,
    quality_total: f64,
    waits: Sketch,
    qualities: Sketch,
}

impl Insights {
    /// Time to match and quality of the tickets that ended in the range, by queue: of one or of all. By the hour for up to 14 days.
    pub async fn queues(
        &self,
        days: Days,
        queue: Option<&str>,
        step: Step,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<QueueSeries>, AskError> {
        match by {
            Some(Dimension::Season) => {
                self.by_season(days, |days| self.queues_of(days, queue, step, slice, None)).await
            }
            by => self.queues_of(days, queue, step, slice, by).await,
        }
    }

    async fn queues_of(
        &self,
        days: Days,
        queue: Option<&str>,
        step: Step,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<QueueSeries>, AskError> {
        let hours = match step {
            Step::Minute => return AskError::invalid("queues are told by the hour or the day"),
            Step::Hour if days.count() > MAX_DAYS_BY_HOUR => {
                return AskError::invalid(format!("by the hour, ask for {MAX_DAYS_BY_HOUR} days at most"));
            }
            Step::Hour => 1,
            Step::Day => 24,
        };
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        let span = days.span();
        // Indexes queue_facts_once and queue_slices_once, the chunks of the range; of one of them, nothing is read.
        let rows = sqlx::query!(
            r#"
            SELECT begins_at AS "begins_at!", queue AS "queue!", place AS "place!", tickets AS "tickets!", players AS "players!",
                   matched AS "matched!", cancelled AS "cancelled!", expired AS "expired!", failed AS "failed!",
                   wait_total_ms AS "wait_total_ms!", quality_total AS "quality_total!", waits AS "waits!",
                   waits_packed AS "waits_packed!", qualities AS "qualities!", qualities_packed AS "qualities_packed!"
            FROM (
                SELECT * FROM insights.queue_facts WHERE NOT $6
                UNION ALL
                SELECT * FROM insights.queue_slices WHERE $6
            ) q
            WHERE begins_at >= $1 AND begins_at < $2 AND ($3::int[] IS NULL OR place = ANY($3)) AND ($4::text IS NULL OR queue = $4)
              AND hours = $5
            "#,
            span.from,
            span.to,
            places.numbers(),
            queue,
            hours,
            places.beyond_regions(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        drop(postgres);
        let mut series: BTreeMap<(String, usize), BTreeMap<DateTime<Utc>, Sums>> = BTreeMap::new();
        for row in rows {
            let points = series.entry((row.queue, places.group_of(row.place))).or_default();
            let (mut waits, mut qualities) = (Sketch::kept(row.waits), Sketch::kept(row.qualities));
            waits.add_packed(&row.waits_packed)?;
            qualities.add_packed(&row.qualities_packed)?;
            points.entry(row.begins_at).or_default().add(&Sums {
                tickets: row.tickets,
                players: row.players,
                matched: row.matched,
                cancelled: row.cancelled,
                expired: row.expired,
                failed: row.failed,
                wait_total_ms: row.wait_total_ms,
                quality_total: row.quality_total,
                waits,
                qualities,
            });
        }
        let told = |((queue, group), points): ((String, usize), BTreeMap<DateTime<Utc>, Sums>)| {
            let mut whole = Sums::default();
            points.values().for_each(|point| whole.add(point));
            let points = points.into_iter().map(|(at, point)| (at, point.facts())).collect();
            QueueSeries { queue, group: places.name(group), whole: whole.facts(), points }
        };
        Ok(series.into_iter().map(told).collect())
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.tickets += other.tickets;
        self.players += other.players;
        self.matched += other.matched;
        self.cancelled += other.cancelled;
        self.expired += other.expired;
        self.failed += other.failed;
        self.wait_total_ms += other.wait_total_ms;
        self.quality_total += other.quality_total;
        self.waits.add(&other.waits);
        self.qualities.add(&other.qualities);
    }

    fn facts(&self) -> QueueHour {
        let waited: i64 = self.waits.counts().iter().sum();
        let rated: i64 = self.qualities.counts().iter().sum();
        QueueHour {
            tickets: codec::count(self.tickets),
            players: codec::count(self.players),
            matched: codec::count(self.matched),
            cancelled: codec::count(self.cancelled),
            expired: codec::count(self.expired),
            failed: codec::count(self.failed),
            abandonment: ratio(codec::count(self.cancelled), codec::count(self.tickets)),
            mean_wait_ms: (waited > 0).then(|| self.wait_total_ms as f64 / waited as f64),
            p50_wait_ms: self.waits.ms_at(0.5),
            p95_wait_ms: self.waits.ms_at(0.95),
            p99_wait_ms: self.waits.ms_at(0.99),
            mean_quality: (rated > 0).then(|| self.quality_total / rated as f64),
            p10_quality: self.qualities.share_at(0.1),
        }
    }
}
