//! Counts for a dashboard: how much is going on, now and in the last minutes.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use crate::{Presence, Result, Tickets, codec};

/// How much is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveCounts {
    /// When these were counted.
    pub at: DateTime<Utc>,
    /// Players with a socket.
    pub players_online: u64,
    /// Tickets that wait, in all queues.
    pub tickets_waiting: u64,
    /// Matches that are not finished.
    pub matches_running: u64,
    /// Matches that ever finished.
    pub matches_finished: u64,
    /// Telemetry events that were ever stored.
    pub events_stored: u64,
    /// Telemetry events of the last whole minute, by their own time.
    pub events_per_minute: u64,
}

/// How much went on in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityPoint {
    /// Its beginning.
    pub minute: DateTime<Utc>,
    /// Matches that ended in it.
    pub matches_finished: u64,
    /// Telemetry events of it, by their own time.
    pub events: u64,
}

/// The longest look back, in minutes.
const MAX_MINUTES: u32 = 24 * 60;

/// Handle on the counts.
#[derive(Clone)]
pub struct Live {
    postgres: PgPool,
    tickets: Tickets,
    presence: Presence,
}

impl Live {
    pub(crate) fn new(postgres: PgPool, tickets: Tickets, presence: Presence) -> Self {
        Self { postgres, tickets, presence }
    }

    /// How much is going on now. Costs the same however much was ever stored.
    pub async fn snapshot(&self, now: DateTime<Utc>) -> Result<LiveCounts> {
        // Index matches_running; the primary keys of the totals and of the minutes.
        let stored = async {
            let row = sqlx::query!(
                r#"
                SELECT
                    (SELECT count(*) FROM play.matches WHERE state = 'running') AS "matches_running!",
                    (SELECT coalesce(sum(finished), 0)::bigint FROM play.match_totals) AS "matches_finished!",
                    (SELECT coalesce(sum(events), 0)::bigint FROM telemetry.event_totals) AS "events_stored!",
                    (SELECT coalesce(sum(events), 0)::bigint FROM telemetry.event_minutes
                     WHERE minute = date_trunc('minute', $1::timestamptz, 'UTC') - INTERVAL '1 minute') AS "events_per_minute!"
                "#,
                now,
            )
            .fetch_one(&self.postgres)
            .await?;
            Ok(row)
        };
        let (stored, players_online, tickets_waiting) =
            tokio::try_join!(stored, self.presence.count(now), self.tickets.waiting_count())?;
        Ok(LiveCounts {
            at: now,
            players_online,
            tickets_waiting,
            matches_running: codec::count(stored.matches_running),
            matches_finished: codec::count(stored.matches_finished),
            events_stored: codec::count(stored.events_stored),
            events_per_minute: codec::count(stored.events_per_minute),
        })
    }

    /// The last minutes (1 to 1440), oldest first, the running one last; a minute in which nothing happened is there too.
    pub async fn activity(&self, minutes: u32, now: DateTime<Utc>) -> Result<Vec<ActivityPoint>> {
        let back = TimeDelta::minutes(i64::from(minutes.clamp(1, MAX_MINUTES)) - 1);
        // Index matches_ended; primary key of the minutes.
        let rows = sqlx::query!(
            r#"
            WITH minutes AS (
                SELECT generate_series(
                    date_trunc('minute', $1::timestamptz, 'UTC'), date_trunc('minute', $2::timestamptz, 'UTC'),
                    INTERVAL '1 minute') AS minute
            ), finished AS (
                SELECT date_trunc('minute', ended_at, 'UTC') AS minute, count(*) AS matches
                FROM play.matches
                WHERE state = 'finished' AND ended_at >= date_trunc('minute', $1::timestamptz, 'UTC')
                GROUP BY 1
            ), counted AS (
                SELECT minute, sum(events)::bigint AS events
                FROM telemetry.event_minutes
                WHERE minute >= date_trunc('minute', $1::timestamptz, 'UTC')
                GROUP BY 1
            )
            SELECT minute AS "minute!", coalesce(matches, 0) AS "matches!", coalesce(events, 0) AS "events!"
            FROM minutes
            LEFT JOIN finished USING (minute)
            LEFT JOIN counted USING (minute)
            ORDER BY minute
            "#,
            now - back,
            now,
        )
        .fetch_all(&self.postgres)
        .await?;
        let point = |minute, matches, events| ActivityPoint {
            minute,
            matches_finished: codec::count(matches),
            events: codec::count(events),
        };
        Ok(rows.into_iter().map(|row| point(row.minute, row.matches, row.events)).collect())
    }
}
