//! How long sessions are, and how many of them break.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::ratio;
use crate::codec;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sketch::Sketch;

/// What sessions were like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionFacts {
    /// How many there were.
    pub sessions: u64,
    /// From the first event to the last, in milliseconds, on average.
    pub mean_ms: Option<f64>,
    /// Half of them were no longer; this and the next two are at most 2.5 % off.
    pub p50_ms: Option<f64>,
    /// 90 of 100 were no longer.
    pub p90_ms: Option<f64>,
    /// 99 of 100 were no longer.
    pub p99_ms: Option<f64>,
    /// Events that tell of errors; their kinds end in `error`, `crash`, `crashed` or `exception`.
    pub errors: u64,
    /// Events that tell of lost connections; their kinds end in `disconnected` or `connection_lost`.
    pub disconnects: u64,
    /// The share of sessions with an error or more, 0 to 1.
    pub error_rate: f64,
    /// The share of sessions with a lost connection or more, 0 to 1.
    pub disconnect_rate: f64,
}

/// What sessions of a group were like, all in all and by day.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSeries {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// All in all.
    pub whole: SessionFacts,
    /// By the day they began on; days without any are absent.
    pub days: Vec<(NaiveDate, SessionFacts)>,
}

#[derive(Default)]
struct Sums {
    sessions: i64,
    total_ms: i64,
    errors: i64,
    disconnects: i64,
    with_error: i64,
    with_disconnect: i64,
    lengths: Sketch,
}

impl Insights {
    /// Length, errors and lost connections of the sessions that began in the range. Counts, rates and means are exact.
    pub async fn sessions(
        &self,
        days: Days,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<SessionSeries>, AskError> {
        match by {
            Some(Dimension::Season) => self.by_season(days, |days| self.sessions_of(days, slice, None)).await,
            by => self.sessions_of(days, slice, by).await,
        }
    }

    async fn sessions_of(
        &self,
        days: Days,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<SessionSeries>, AskError> {
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        // Primary key of session_days.
        let rows = sqlx::query!(
            r#"
            SELECT day, place, sessions, total_ms, errors, disconnects, with_error, with_disconnect, lengths
            FROM insights.session_days
            WHERE day BETWEEN $1 AND $2 AND ($3::int[] IS NULL OR place = ANY($3))
            "#,
            days.from(),
            days.to(),
            places.numbers(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        drop(postgres);
        let mut groups: Vec<BTreeMap<NaiveDate, Sums>> = (0..places.groups()).map(|_| BTreeMap::new()).collect();
        for row in rows {
            groups[places.group_of(row.place)].entry(row.day).or_default().add(&Sums {
                sessions: row.sessions,
                total_ms: row.total_ms,
                errors: row.errors,
                disconnects: row.disconnects,
                with_error: row.with_error,
                with_disconnect: row.with_disconnect,
                lengths: Sketch::kept(row.lengths),
            });
        }
        let series = |(group, days): (usize, BTreeMap<NaiveDate, Sums>)| {
            let mut whole = Sums::default();
            days.values().for_each(|day| whole.add(day));
            let days = days.into_iter().filter(|(_, day)| day.sessions > 0).map(|(date, day)| (date, day.facts()));
            SessionSeries { group: places.name(group), whole: whole.facts(), days: days.collect() }
        };
        let told = groups.into_iter().enumerate().filter(|(_, days)| places.groups() == 1 || !days.is_empty());
        Ok(told.map(series).collect())
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.total_ms += other.total_ms;
        self.errors += other.errors;
        self.disconnects += other.disconnects;
        self.with_error += other.with_error;
        self.with_disconnect += other.with_disconnect;
        self.lengths.add(&other.lengths);
    }

    fn facts(&self) -> SessionFacts {
        let sessions = codec::count(self.sessions);
        SessionFacts {
            sessions,
            mean_ms: (sessions > 0).then(|| self.total_ms as f64 / sessions as f64),
            p50_ms: self.lengths.ms_at(0.5),
            p90_ms: self.lengths.ms_at(0.9),
            p99_ms: self.lengths.ms_at(0.99),
            errors: codec::count(self.errors),
            disconnects: codec::count(self.disconnects),
            error_rate: ratio(codec::count(self.with_error), sessions),
            disconnect_rate: ratio(codec::count(self.with_disconnect), sessions),
        }
    }
}
