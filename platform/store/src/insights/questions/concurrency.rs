//! How many play at once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Step;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Dimension, MAX_DAYS, Slice, Span};

/// How many sessions ran.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcurrencyPoint {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// The minute, hour or day, at its beginning.
    pub at: DateTime<Utc>,
    /// At this minute; or on average over the hour or day.
    pub sessions: f64,
}

/// Who plays now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playing {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// Players with a session that was heard of in the last two minutes.
    pub players: u64,
}

/// How long ago an event may be of somebody who plays now.
const NOW: TimeDelta = TimeDelta::minutes(2);

/// A session is at most so far from the time in its id.
const REACH: TimeDelta = TimeDelta::days(8);

const MINUTE_MS: i64 = 60_000;

impl Insights {
    /// Sessions that run at once. A session runs from its first event to its last, so the newest minutes read low until more is heard.
    /// By the minute for up to 24 hours, at the beginning of each; by hour or day for up to 92 days, on average: the time that
    /// sessions ran in it, divided by its length. Exact. Steps are whole: `from` is rounded down.
    pub async fn concurrency(
        &self,
        span: Span,
        step: Step,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<ConcurrencyPoint>, AskError> {
        if by != Some(Dimension::Season) {
            return self.concurrency_of(span, step, slice, by).await;
        }
        span.check(TimeDelta::days(MAX_DAYS))?;
        let mut all = Vec::new();
        for (season, part) in self.seasons_in(span).await? {
            let points = self.concurrency_of(part, step, slice, None).await?;
            all.extend(points.into_iter().map(|point| ConcurrencyPoint { group: Some(season.clone()), ..point }));
        }
        Ok(all)
    }

    async fn concurrency_of(
        &self,
        span: Span,
        step: Step,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<ConcurrencyPoint>, AskError> {
        let (length, longest) = match step {
            Step::Minute => (MINUTE_MS, TimeDelta::hours(24)),
            Step::Hour => (3_600_000, TimeDelta::days(MAX_DAYS)),
            Step::Day => (86_400_000, TimeDelta::days(MAX_DAYS)),
        };
        span.check(longest)?;
        let from = span.from - TimeDelta::milliseconds(span.from.timestamp_millis().rem_euclid(length));
        let span = Span { from, to: span.to };
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (from.date_naive(), span.to.date_naive())).await?;
        let steps =
            usize::try_from((span.to - from).num_milliseconds().saturating_add(length - 1) / length).unwrap_or(0);
        let mut counts = vec![vec![0_i64; steps + 1]; places.groups()];
        let step_of = |at: DateTime<Utc>| (at - from).num_milliseconds().div_euclid(length);
        if step == Step::Minute {
            // The chunks that may hold such sessions, whole.
            let rows = sqlx::query!(
                r#"
                SELECT place, started_at, ended_at FROM insights.sessions
                WHERE opened_at > $1 AND opened_at < $2 AND started_at < $3 AND ended_at >= $4
                  AND ($5::int[] IS NULL OR place = ANY($5))
                "#,
                from - REACH,
                span.to + REACH,
                span.to,
                from,
                places.numbers(),
            )
            .fetch_all(&mut *postgres)
            .await?;
            // It runs at the beginnings of minutes from the first at or after its start to the last at or before its end.
            let last = i64::try_from(steps).unwrap_or_default();
            for row in rows {
                let edges = &mut counts[places.group_of(row.place)];
                let first = step_of(row.started_at + TimeDelta::milliseconds(MINUTE_MS - 1)).clamp(0, last);
                let past = (step_of(row.ended_at) + 1).clamp(first, last);
                edges[usize::try_from(first).unwrap_or_default()] += 1;
                edges[usize::try_from(past).unwrap_or_default()] -= 1;
            }
            for edges in &mut counts {
                let mut running = 0;
                for count in edges {
                    running += *count;
                    *count = running;
                }
            }
        } else {
            // Primary key of session_hours.
            let rows = sqlx::query!(
                r#"
                SELECT hour, place, active_ms FROM insights.session_hours
                WHERE hour >= $1 AND hour < $2 AND ($3::int[] IS NULL OR place = ANY($3))
                "#,
                from,
                span.to,
                places.numbers(),
            )
            .fetch_all(&mut *postgres)
            .await?;
            for row in rows {
                let step = usize::try_from(step_of(row.hour)).unwrap_or_default();
                counts[places.group_of(row.place)][step] += row.active_ms;
            }
        }
        let divisor = if step == Step::Minute { 1.0 } else { length as f64 };
        let mut points = Vec::new();
        for (group, counts) in counts.into_iter().enumerate() {
            if places.groups() > 1 && counts.iter().all(|count| *count == 0) {
                continue;
            }
            let at = (0_i32..).map(|step| from + TimeDelta::milliseconds(length) * step);
            let told = at.zip(counts).take(steps);
            points.extend(told.map(|(at, count)| ConcurrencyPoint {
                group: places.name(group),
                at,
                sessions: count as f64 / divisor,
            }));
        }
        Ok(points)
    }

    /// Players with a session whose last event is of the two minutes before `now`, or later; exact, as of the last fold. Events
    /// without a session do not count, and times are the senders': who is ahead, by 10 minutes at most, plays so much longer.
    pub async fn playing(
        &self,
        now: DateTime<Utc>,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<Playing>, AskError> {
        if by == Some(Dimension::Season) {
            return AskError::invalid("who plays now plays in one season: ask without it");
        }
        let today = now.date_naive();
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (today - chrono::Days::new(1), today)).await?;
        let rows = sqlx::query!(
            r#"
            SELECT place, array_agg(DISTINCT player) AS "players!" FROM insights.sessions
            WHERE opened_at > $1 AND opened_at < $2 AND ended_at > $3 AND started_at <= $4
              AND ($5::int[] IS NULL OR place = ANY($5)) AND player IS NOT NULL
            GROUP BY place
            "#,
            now - REACH,
            now + REACH,
            now - NOW,
            now,
            places.numbers(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        let mut groups: BTreeMap<usize, std::collections::BTreeSet<i32>> = BTreeMap::new();
        for row in rows {
            groups.entry(places.group_of(row.place)).or_default().extend(row.players);
        }
        if places.groups() == 1 {
            groups.entry(0).or_default();
        }
        let playing = |(group, players): (usize, std::collections::BTreeSet<i32>)| Playing {
            group: places.name(group),
            players: players.len() as u64,
        };
        Ok(groups.into_iter().map(playing).collect())
    }
}
