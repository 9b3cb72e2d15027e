//! Whether telemetry tells of each match exactly once a seat.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;

use crate::{Matches, Result, codec};

/// What telemetry tells of a settled match, when that is not once a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchTelemetry {
    /// The match.
    pub match_id: MatchId,
    /// How many `match.started` there are, in seat order.
    pub started: [u64; 2],
    /// How many `match.ended` there are, in seat order.
    pub ended: [u64; 2],
}

/// A match that telemetry tells of and that is not settled, or not there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldUnknown {
    /// The match.
    pub match_id: MatchId,
}

impl Matches {
    /// When the first match was made at this moment or after it.
    pub async fn first_made_since(&self, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        // Index matches_newest.
        let first = sqlx::query_scalar!("SELECT min(created_at) FROM play.matches WHERE created_at >= $1", at)
            .fetch_one(&self.postgres)
            .await?;
        Ok(first)
    }

    /// Matches made in `[from, until)` and over before `over_before` of which telemetry does not tell exactly once a seat;
    /// `most` at most. Reads all events of that time: keep it to a day.
    pub async fn told_wrongly(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        over_before: DateTime<Utc>,
        most: u32,
    ) -> Result<Vec<MatchTelemetry>> {
        // Index matches_newest; the chunks of that time.
        let rows = sqlx::query!(
            r#"
            WITH over AS (
                SELECT match_id, ended_at
                FROM play.matches
                WHERE state = 'finished' AND created_at >= $1 AND created_at < $2 AND ended_at < $3
            ), told AS (
                SELECT match_id,
                       count(*) FILTER (WHERE kind = 'match.started' AND properties ->> 'seat' = 'first') AS started_first,
                       count(*) FILTER (WHERE kind = 'match.started' AND properties ->> 'seat' = 'second') AS started_second,
                       count(*) FILTER (WHERE kind = 'match.ended' AND properties ->> 'seat' = 'first') AS ended_first,
                       count(*) FILTER (WHERE kind = 'match.ended' AND properties ->> 'seat' = 'second') AS ended_second
                FROM telemetry.events
                WHERE at >= $1 AND at <= (SELECT max(ended_at) FROM over)
                  AND source = 'server' AND kind IN ('match.started', 'match.ended')
                GROUP BY match_id
            )
            SELECT o.match_id, coalesce(t.started_first, 0) AS "started_first!", coalesce(t.started_second, 0) AS "started_second!",
                   coalesce(t.ended_first, 0) AS "ended_first!", coalesce(t.ended_second, 0) AS "ended_second!"
            FROM over o
            LEFT JOIN told t USING (match_id)
            WHERE (t.started_first, t.started_second, t.ended_first, t.ended_second) IS DISTINCT FROM (1, 1, 1, 1)
            ORDER BY o.match_id
            LIMIT $4
            "#,
            from,
            until,
            over_before,
            i64::from(most),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| MatchTelemetry {
                match_id: MatchId::from_uuid(row.match_id),
                started: [codec::count(row.started_first), codec::count(row.started_second)],
                ended: [codec::count(row.ended_first), codec::count(row.ended_second)],
            })
            .collect())
    }

    /// Matches of the built-in game that telemetry tells the end of, at a moment in `[from, until)`, and that are not settled;
    /// `most` at most. Reads all events of that time.
    pub async fn told_unsettled(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        most: u32,
    ) -> Result<Vec<ToldUnknown>> {
        let rows = sqlx::query_scalar!(
            r#"
            SELECT DISTINCT e.match_id AS "match_id!"
            FROM telemetry.events e
            LEFT JOIN play.matches m ON m.match_id = e.match_id AND m.state = 'finished'
            WHERE e.at >= $1 AND e.at < $2 AND e.source = 'server' AND e.kind = 'match.ended' AND e.mode IS NOT NULL
              AND e.match_id IS NOT NULL AND m.match_id IS NULL
            ORDER BY 1
            LIMIT $3
            "#,
            from,
            until,
            i64::from(most),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows.into_iter().map(|match_id| ToldUnknown { match_id: MatchId::from_uuid(match_id) }).collect())
    }
}
