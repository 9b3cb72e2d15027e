//! What the platform counts of itself, once a minute.

use chrono::{DateTime, TimeDelta, Utc};

use super::Insights;
use super::range::{AskError, MAX_DAYS, Span};
use crate::{LiveCounts, Result, codec};

/// The platform in a minute, or on average and at most in a longer step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The beginning of the minute, hour or day.
    pub at: DateTime<Utc>,
    /// Players with a socket, on average.
    pub players_online: f64,
    /// The most players with a socket.
    pub players_peak: u64,
    /// Tickets that waited, on average.
    pub tickets_waiting: f64,
    /// Matches that were played, on average.
    pub matches_running: f64,
}

impl Insights {
    /// Keeps the counts of a minute, and says whether they were the first of it: of several processes that sample, one does.
    pub async fn sample(&self, counts: &LiveCounts) -> Result<bool> {
        // Index samples_once.
        let kept = sqlx::query!(
            r#"
            INSERT INTO insights.samples (minute, players_online, tickets_waiting, matches_running)
            VALUES (date_trunc('minute', $1::timestamptz, 'UTC'), $2, $3, $4)
            ON CONFLICT (minute) DO NOTHING
            "#,
            counts.at,
            codec::signed(counts.players_online),
            codec::signed(counts.tickets_waiting),
            codec::signed(counts.matches_running),
        )
        .execute(&self.postgres)
        .await?;
        Ok(kept.rows_affected() > 0)
    }

    /// The samples of a span, by steps of `step` from the epoch on; steps without a sample are absent. The span may be 92 days, and
    /// 1,500 steps.
    pub async fn samples(&self, span: Span, step: TimeDelta) -> std::result::Result<Vec<Sample>, AskError> {
        span.check(TimeDelta::days(MAX_DAYS))?;
        if step < TimeDelta::minutes(1) || (span.to - span.from).num_seconds() / step.num_seconds() > 1_500 {
            return AskError::invalid(
                "a step has to be a minute or more, and there may be 1,500 of them: choose a longer step",
            );
        }
        // Index samples_once.
        let rows = sqlx::query!(
            r#"
            SELECT date_bin(make_interval(secs => $3), minute, 'epoch'::timestamptz) AS "at!",
                   avg(players_online)::float8 AS "players_online!", max(players_online) AS "players_peak!",
                   avg(tickets_waiting)::float8 AS "tickets_waiting!", avg(matches_running)::float8 AS "matches_running!"
            FROM insights.samples
            WHERE minute >= $1 AND minute < $2
            GROUP BY 1
            ORDER BY 1
            "#,
            span.from,
            span.to,
            step.num_seconds() as f64,
        )
        .fetch_all(&self.postgres)
        .await?;
        let sample = |at, players_online, players_peak, tickets_waiting, matches_running| Sample {
            at,
            players_online,
            players_peak: codec::count(players_peak),
            tickets_waiting,
            matches_running,
        };
        Ok(rows
            .into_iter()
            .map(|row| sample(row.at, row.players_online, row.players_peak, row.tickets_waiting, row.matches_running))
            .collect())
    }
}
