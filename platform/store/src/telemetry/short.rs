//! Events of types whose retention is `short` go before the rest of their day does.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{Chunk, Telemetry};
use crate::{Result, codec};

/// What policies call these events: not a table of its own, but a part of one.
pub(super) const SHORT_EVENTS: &str = "telemetry.events:short";

/// The types whose newest version wants its events kept so, by name.
pub(super) async fn kinds_kept(postgres: &mut PgConnection, retention: &str) -> Result<Vec<String>> {
    // Primary key of telemetry.event_types.
    let kinds = sqlx::query_scalar!(
        r#"
        SELECT name
        FROM (SELECT DISTINCT ON (name) name, definition FROM telemetry.event_types ORDER BY name, version DESC) newest
        WHERE definition ->> 'retention' = $1
        ORDER BY name
        "#,
        retention,
    );
    Ok(kinds.fetch_all(postgres).await?)
}

impl Telemetry {
    /// Lets go the events of types whose newest version says `short`, of the days (UTC) that lie wholly before the cutoff, and tells
    /// of each day how many they were, oldest first. A dry run tells the same and lets nothing go.
    ///
    /// A day is looked through once for the same kinds; what comes for it later stays until its chunk goes. Rows go one by one:
    /// their room is used again, and given back with the chunk, so no bytes are told. Rollups and facts keep what they counted.
    pub(super) async fn drop_short(&self, cutoff: DateTime<Utc>, dry_run: bool) -> Result<Vec<Chunk>> {
        let kinds = kinds_kept(&mut *self.postgres.acquire().await?, "short").await?;
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        // A chunk is a day.
        let days = sqlx::query!(
            r#"
            SELECT c.chunk_name::text AS "name!", c.range_start AS "range_start!", c.range_end AS "range_end!"
            FROM timescaledb_information.chunks c
            LEFT JOIN telemetry.swept_days s ON s.day = (c.range_start AT TIME ZONE 'UTC')::date
            WHERE c.hypertable_schema = 'telemetry' AND c.hypertable_name = 'events' AND c.range_end <= $1
              AND NOT coalesce(s.kinds @> $2, false)
            ORDER BY c.range_start
            "#,
            cutoff,
            &kinds,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut swept = Vec::new();
        for day in days {
            let (from, to) = (day.range_start, day.range_end);
            let rows =
                if dry_run { self.count_of(&kinds, from, to).await? } else { self.sweep(&kinds, from, to).await? };
            if rows > 0 {
                swept.push(Chunk {
                    name: day.name,
                    range_start: from,
                    range_end: to,
                    rows_estimate: codec::count(rows),
                    bytes: 0,
                });
            }
        }
        Ok(swept)
    }

    async fn count_of(&self, kinds: &[String], from: DateTime<Utc>, to: DateTime<Utc>) -> Result<i64> {
        // No index by kind: the chunk is read through.
        let counted = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM telemetry.events WHERE at >= $1 AND at < $2 AND kind = ANY($3)"#,
            from,
            to,
            kinds,
        );
        Ok(counted.fetch_one(&self.postgres).await?)
    }

    async fn sweep(&self, kinds: &[String], from: DateTime<Utc>, to: DateTime<Utc>) -> Result<i64> {
        let day: NaiveDate = from.date_naive();
        let mut tx = self.postgres.begin().await?;
        let gone =
            sqlx::query!("DELETE FROM telemetry.events WHERE at >= $1 AND at < $2 AND kind = ANY($3)", from, to, kinds)
                .execute(&mut *tx)
                .await?;
        sqlx::query!(
            r#"
            INSERT INTO telemetry.swept_days AS s (day, kinds, swept_at) VALUES ($1, $2, $3)
            ON CONFLICT (day) DO UPDATE SET kinds = excluded.kinds, swept_at = excluded.swept_at
            "#,
            day,
            kinds,
            crate::now(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(codec::signed(gone.rows_affected()))
    }
}
