//! Whether the facts are what a recount of the events gives, as far as events tell of them in SQL. They always are; this is how anybody
//! can see it.

use chrono::{DateTime, Utc};

use super::Insights;
use super::fold::{LOCK, fold_some};
use crate::{Result, codec};

/// What a recount found: of each table how many of its sums differ from what the events say, missing ones and superfluous ones included.
/// All zero, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FactsRecount {
    /// Events of a day, kind and source: `kind_days`, of all places together.
    pub kinds: u64,
    /// Tickets, and those that matched, of an hour or a day and a queue: `queue_facts` and `queue_slices`, of all places together.
    pub tickets: u64,
    /// Matches of a day: `match_days` and `match_slices`, of all places, queues and modes together.
    pub matches: u64,
    /// Sessions of a day and place, their time, errors and lost connections: `session_days`, against `sessions`.
    pub sessions: u64,
}

impl FactsRecount {
    /// Whether all of them are what the events say.
    pub fn is_exact(&self) -> bool {
        [self.kinds, self.tickets, self.matches, self.sessions] == [0; 4]
    }
}

impl Insights {
    /// Counts whole days (UTC) anew, from one to before another, and compares. It reads all of their events, and nobody folds meanwhile.
    /// Not for days whose chunks were dropped, of events or of sessions. It changes nothing.
    pub async fn recount(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<FactsRecount> {
        let mut turn = self.postgres.begin().await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut *turn).await?;
        // Begun when nobody else folds any more, it sees events and facts of one moment, and what waits between the two: that is folded
        // here for once, and again by whoever folds next.
        let mut tx = self.postgres.begin().await?;
        sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *tx).await?;
        while fold_some(&mut tx).await? > 0 {}
        // Chunks outside the span are not looked at; a session is a week from the time in its id at most.
        let row = sqlx::query!(
            r#"
            WITH span AS (
                SELECT date_trunc('day', $1::timestamptz, 'UTC') AS from_day, date_trunc('day', $2::timestamptz, 'UTC') AS to_day,
                       ($1::timestamptz AT TIME ZONE 'UTC')::date AS first, ($2::timestamptz AT TIME ZONE 'UTC')::date AS past
            ), raw AS MATERIALIZED (
                SELECT at, (at AT TIME ZONE 'UTC')::date AS day, source, kind, queue, match_id,
                       CASE WHEN source = 'server' AND kind IN ('ticket.ended', 'match.ended') THEN properties END AS properties
                FROM telemetry.events, span
                WHERE at >= from_day AND at < to_day
            ), kinds AS (
                -- Those for which there was no room are (other), for good.
                SELECT day, source, coalesce(kind_no, 1) AS kind_no, sum(events) AS events
                FROM (SELECT day, source, kind, count(*) AS events FROM raw GROUP BY 1, 2, 3) r
                LEFT JOIN insights.kinds USING (kind)
                GROUP BY 1, 2, 3
            ), ended AS (
                SELECT date_trunc('hour', at, 'UTC') AS hour, queue, count(*) AS tickets,
                       count(*) FILTER (WHERE properties -> 'outcome' = '"matched"') AS matched
                FROM raw
                WHERE source = 'server' AND kind = 'ticket.ended' AND queue IS NOT NULL
                GROUP BY 1, 2
            ), tickets AS (
                SELECT 1::smallint AS hours, hour AS begins_at, queue, tickets, matched FROM ended
                UNION ALL
                SELECT 24::smallint, date_trunc('day', hour, 'UTC'), queue, sum(tickets), sum(matched) FROM ended GROUP BY 2, 3
            ), matches AS (
                -- Of seats, the first one's word counts.
                SELECT day, count(DISTINCT (at, match_id)) AS matches
                FROM raw
                WHERE source = 'server' AND kind = 'match.ended' AND match_id IS NOT NULL
                  AND (jsonb_typeof(properties -> 'seat') IS DISTINCT FROM 'string' OR properties ->> 'seat' = 'first')
                GROUP BY 1
            ), sessions AS (
                SELECT (started_at AT TIME ZONE 'UTC')::date AS day, place, count(*) AS sessions,
                       sum(trunc(extract(epoch FROM ended_at - started_at) * 1000)) AS total_ms, sum(errors) AS errors,
                       sum(disconnects) AS disconnects, count(*) FILTER (WHERE errors > 0) AS with_error,
                       count(*) FILTER (WHERE disconnects > 0) AS with_disconnect
                FROM insights.sessions, span
                WHERE opened_at >= from_day - INTERVAL '8 days' AND opened_at < to_day + INTERVAL '8 days'
                  AND started_at >= from_day AND started_at < to_day
                GROUP BY 1, 2
            )
            SELECT
                (SELECT count(*)
                 FROM kinds a
                 FULL JOIN (SELECT day, source, kind_no, sum(events) AS events FROM insights.kind_days, span
                            WHERE day >= first AND day < past GROUP BY 1, 2, 3) b USING (day, source, kind_no)
                 WHERE a.events IS DISTINCT FROM b.events) AS "kinds!",
                (SELECT count(*)
                 FROM tickets a
                 FULL JOIN (SELECT hours, begins_at, queue, sum(tickets) AS tickets, sum(matched) AS matched
                            FROM insights.queue_facts, span
                            WHERE begins_at >= from_day AND begins_at < to_day GROUP BY 1, 2, 3) b USING (hours, begins_at, queue)
                 WHERE (a.tickets, a.matched) IS DISTINCT FROM (b.tickets, b.matched)) AS "facts!",
                (SELECT count(*)
                 FROM tickets a
                 FULL JOIN (SELECT hours, begins_at, queue, sum(tickets) AS tickets, sum(matched) AS matched
                            FROM insights.queue_slices, span
                            WHERE begins_at >= from_day AND begins_at < to_day GROUP BY 1, 2, 3) b USING (hours, begins_at, queue)
                 WHERE (a.tickets, a.matched) IS DISTINCT FROM (b.tickets, b.matched)) AS "slices!",
                (SELECT count(*)
                 FROM matches a
                 FULL JOIN (SELECT day, sum(matches) AS matches FROM insights.match_days, span
                            WHERE day >= first AND day < past GROUP BY 1) b USING (day)
                 WHERE a.matches IS DISTINCT FROM b.matches) AS "match_days!",
                (SELECT count(*)
                 FROM matches a
                 FULL JOIN (SELECT day, sum(matches) AS matches FROM insights.match_slices, span
                            WHERE day >= first AND day < past GROUP BY 1) b USING (day)
                 WHERE a.matches IS DISTINCT FROM b.matches) AS "match_slices!",
                (SELECT count(*)
                 FROM sessions a
                 -- What was taken back leaves a row of nothing.
                 FULL JOIN (SELECT d.* FROM insights.session_days d, span
                            WHERE day >= first AND day < past
                              AND (sessions, total_ms, errors, disconnects, with_error, with_disconnect) <> (0, 0, 0, 0, 0, 0)) b
                     USING (day, place)
                 WHERE (a.sessions, a.total_ms, a.errors, a.disconnects, a.with_error, a.with_disconnect)
                     IS DISTINCT FROM (b.sessions, b.total_ms, b.errors, b.disconnects, b.with_error, b.with_disconnect)) AS "sessions!"
            "#,
            from,
            to,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.rollback().await?;
        turn.rollback().await?;
        Ok(FactsRecount {
            kinds: codec::count(row.kinds),
            tickets: codec::count(row.facts + row.slices),
            matches: codec::count(row.match_days + row.match_slices),
            sessions: codec::count(row.sessions),
        })
    }
}
