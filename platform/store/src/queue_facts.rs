//! How queues do, from the telemetry of their tickets: events `ticket.ended`, one for each ticket, from the platform itself.
//!
//! | property | holds |
//! | --- | --- |
//! | `outcome` | `matched`, `cancelled`, `expired` or `failed` |
//! | `reason` | why, when it was not matched |
//! | `wait_ms` | how long it waited |
//! | `quality` | of its match |
//! | `party_size` | how many players it was |
//! | `region`, `group`, `queue_version` | where, and by which rules |
//! | `recorded` | the ticket as a dry run replays it |
//!
//! `region` and `queue` are also columns of the event.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muster_core::matchmaking::RecordedTicket;
use sqlx::PgPool;

use crate::{Result, codec};

/// How a queue did in a span of time, in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueFacts {
    /// The queue.
    pub queue: String,
    /// Where; None for tickets that ended before they had a region, or in queues without regions.
    pub region: Option<String>,
    /// Tickets that ended.
    pub tickets: u64,
    /// Their players.
    pub players: u64,
    /// Of the tickets, those that came in the span too; the others were waiting already. Who came and still waits is not here.
    pub arrived: u64,
    /// Of the tickets, those that got a match.
    pub matched: u64,
    /// Their matches.
    pub matches: u64,
    /// Tickets by how they ended: `matched`, or outcome and reason as in `expired:max_wait`.
    pub by_outcome_reason: BTreeMap<String, u64>,
    /// How long those that matched had waited; None when none did.
    pub wait_ms: Option<WaitFacts>,
    /// How even their matches were; None when none did.
    pub quality: Option<QualityFacts>,
}

/// Waits of tickets that matched, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaitFacts {
    /// Half of them waited no longer.
    pub p50: f64,
    /// 95 % of them waited no longer.
    pub p95: f64,
    /// 99 % of them waited no longer.
    pub p99: f64,
}

/// Quality of the matches that tickets got: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityFacts {
    /// On average.
    pub mean: f64,
    /// 10 % of them got worse.
    pub p10: f64,
}

/// The tickets of a span of time, for a dry run.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedSpan {
    /// Those that were asked for and can be read, in the order in which they came.
    pub tickets: Vec<RecordedTicket>,
    /// How many tickets ended in the span, whether they are here or not.
    pub found: u64,
    /// How many of those that were asked for cannot be read: another version recorded them, or nothing did.
    pub unreadable: u64,
}

impl RecordedSpan {
    /// Whether more tickets ended in the span than were asked for.
    pub fn is_cut(&self) -> bool {
        self.found > self.tickets.len() as u64 + self.unreadable
    }
}

/// The most tickets of one reading.
const MAX_RECORDED: u32 = 200_000;

/// Handle on the facts.
#[derive(Clone)]
pub struct TicketFacts {
    postgres: PgPool,
}

impl TicketFacts {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// How one queue, or each of them, did from a moment until before another; by queue and region.
    pub async fn summary(
        &self,
        queue: Option<&str>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<QueueFacts>> {
        // Index events_ticket_ended.
        let rows = sqlx::query!(
            r#"
            WITH ended AS (
                SELECT
                    queue, region, at, match_id,
                    coalesce(properties->>'outcome', 'unknown') AS outcome,
                    properties->>'reason' AS reason,
                    CASE WHEN jsonb_typeof(properties->'wait_ms') = 'number' THEN (properties->>'wait_ms')::float8 END AS wait_ms,
                    CASE WHEN jsonb_typeof(properties->'quality') = 'number' THEN (properties->>'quality')::float8 END AS quality,
                    CASE WHEN jsonb_typeof(properties->'party_size') = 'number' THEN (properties->>'party_size')::float8 ELSE 1 END
                        AS players
                FROM telemetry.events
                WHERE kind = 'ticket.ended' AND source = 'server' AND at >= $2 AND at < $3
                    AND queue IS NOT NULL AND ($1::text IS NULL OR queue = $1)
            ), ways AS (
                SELECT queue, region, jsonb_object_agg(way, tickets) AS ways
                FROM (
                    SELECT queue, region, outcome || coalesce(':' || reason, '') AS way, count(*) AS tickets
                    FROM ended
                    GROUP BY 1, 2, 3
                ) AS counted
                GROUP BY 1, 2
            )
            SELECT
                e.queue AS "queue!",
                e.region,
                count(*) AS "tickets!",
                sum(e.players)::bigint AS "players!",
                count(*) FILTER (WHERE e.at - make_interval(secs => coalesce(e.wait_ms, 0) / 1000) >= $2) AS "arrived!",
                count(*) FILTER (WHERE e.outcome = 'matched') AS "matched!",
                count(DISTINCT e.match_id) FILTER (WHERE e.outcome = 'matched') AS "matches!",
                percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY e.wait_ms)
                    FILTER (WHERE e.outcome = 'matched') AS waits,
                avg(e.quality) FILTER (WHERE e.outcome = 'matched') AS quality_mean,
                percentile_cont(0.1) WITHIN GROUP (ORDER BY e.quality) FILTER (WHERE e.outcome = 'matched') AS quality_p10,
                (SELECT w.ways FROM ways w WHERE w.queue = e.queue AND w.region IS NOT DISTINCT FROM e.region) AS "ways!"
            FROM ended e
            GROUP BY e.queue, e.region
            ORDER BY e.queue, e.region NULLS FIRST
            "#,
            queue,
            from,
            to,
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let wait_ms = match row.waits.as_deref() {
                    Some(&[p50, p95, p99]) => Some(WaitFacts { p50, p95, p99 }),
                    _ => None,
                };
                let quality = row.quality_mean.zip(row.quality_p10).map(|(mean, p10)| QualityFacts { mean, p10 });
                Ok(QueueFacts {
                    queue: row.queue,
                    region: row.region,
                    tickets: codec::count(row.tickets),
                    players: codec::count(row.players),
                    arrived: codec::count(row.arrived),
                    matched: codec::count(row.matched),
                    matches: codec::count(row.matches),
                    by_outcome_reason: codec::from_json_value("the ways tickets ended", row.ways)?,
                    wait_ms,
                    quality,
                })
            })
            .collect()
    }

    /// The tickets of a queue that ended from a moment until before another, as a dry run replays them. Of more than `limit`
    /// (1 to 200,000; what is outside becomes the nearest), those that ended last.
    pub async fn recorded(
        &self,
        queue: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<RecordedSpan> {
        // Index events_ticket_ended, for both. One statement, so that the count and the tickets are of the same moment; the count
        // is made once.
        let rows = sqlx::query!(
            r#"
            SELECT
                properties->'recorded' AS recorded,
                (
                    SELECT count(*)
                    FROM telemetry.events
                    WHERE kind = 'ticket.ended' AND source = 'server' AND at >= $2 AND at < $3 AND queue = $1
                ) AS "found!"
            FROM telemetry.events
            WHERE kind = 'ticket.ended' AND source = 'server' AND at >= $2 AND at < $3 AND queue = $1
            ORDER BY at DESC
            LIMIT $4
            "#,
            queue,
            from,
            to,
            i64::from(limit.clamp(1, MAX_RECORDED)),
        )
        .fetch_all(&self.postgres)
        .await?;
        let (asked, found) = (rows.len(), rows.first().map_or(0, |row| codec::count(row.found)));
        let mut tickets: Vec<RecordedTicket> =
            rows.into_iter().filter_map(|row| serde_json::from_value(row.recorded?).ok()).collect();
        tickets.sort_by_key(|ticket| ticket.enqueued_at);
        Ok(RecordedSpan { unreadable: (asked - tickets.len()) as u64, tickets, found })
    }
}
