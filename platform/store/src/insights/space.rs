//! How much room the hypertables take, and less of it where the licence of TimescaleDB allows.

use chrono::{DateTime, Utc};

use super::Insights;
use crate::{Result, codec};

/// How much room a hypertable takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HypertableSpace {
    /// As in `telemetry.events`.
    pub table: String,
    /// How many chunks it has.
    pub chunks: u64,
    /// Of them, compressed ones.
    pub compressed: u64,
    /// About how many rows.
    pub rows_estimate: u64,
    /// On disk, with indexes.
    pub bytes: u64,
    /// Where its oldest chunk begins.
    pub oldest: Option<DateTime<Utc>>,
    /// Where its newest chunk ends.
    pub newest: Option<DateTime<Utc>>,
}

/// What compressing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressed {
    /// So many chunks are compressed now that were not before.
    Chunks(u64),
    /// The licence of this TimescaleDB has no compression: nothing was done.
    NotLicensed,
}

impl Insights {
    /// Each hypertable, by name.
    pub async fn space(&self) -> Result<Vec<HypertableSpace>> {
        let rows = sqlx::query!(
            r#"
            SELECT h.hypertable_schema || '.' || h.hypertable_name AS "table!",
                   count(k.oid) AS "chunks!",
                   count(*) FILTER (WHERE i.is_compressed) AS "compressed!",
                   coalesce(sum(greatest(k.reltuples::bigint, s.n_live_tup, 0)), 0)::bigint AS "rows_estimate!",
                   coalesce(sum(pg_total_relation_size(k.oid)), 0)::bigint AS "bytes!",
                   min(i.range_start) AS oldest, max(i.range_end) AS newest
            FROM timescaledb_information.hypertables h
            LEFT JOIN timescaledb_information.chunks i
                ON i.hypertable_schema = h.hypertable_schema AND i.hypertable_name = h.hypertable_name
            LEFT JOIN pg_namespace n ON n.nspname = i.chunk_schema
            LEFT JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = i.chunk_name
            LEFT JOIN pg_stat_all_tables s ON s.relid = k.oid
            GROUP BY 1
            ORDER BY 1
            "#,
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| HypertableSpace {
                table: row.table,
                chunks: codec::count(row.chunks),
                compressed: codec::count(row.compressed),
                rows_estimate: codec::count(row.rows_estimate),
                bytes: codec::count(row.bytes),
                oldest: row.oldest,
                newest: row.newest,
            })
            .collect())
    }

    /// Compresses the chunks of `insights.sessions` and `insights.matches` that end before a moment, where the licence has it. They
    /// can be read and dropped as before; what comes late for them is slower to write.
    pub async fn compress(&self, before: DateTime<Utc>) -> Result<Compressed> {
        let license = sqlx::query_scalar!("SELECT current_setting('timescaledb.license', true)");
        if license.fetch_one(&self.postgres).await?.as_deref() != Some("timescale") {
            return Ok(Compressed::NotLicensed);
        }
        let mut chunks = 0;
        let mut tx = self.postgres.begin().await?;
        for (table, statement) in [
            ("insights.sessions", "ALTER TABLE insights.sessions SET (timescaledb.compress)"),
            ("insights.matches", "ALTER TABLE insights.matches SET (timescaledb.compress)"),
        ] {
            let on = sqlx::query_scalar!(
                r#"
                SELECT compression_enabled AS "on!" FROM timescaledb_information.hypertables
                WHERE hypertable_schema || '.' || hypertable_name = $1
                "#,
                table,
            );
            if !on.fetch_one(&mut *tx).await? {
                // Not checked beforehand: without the licence there is no such setting.
                sqlx::query(statement).execute(&mut *tx).await?;
            }
            let done = sqlx::query!(
                r#"
                SELECT compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass)::text AS chunk
                FROM timescaledb_information.chunks
                WHERE hypertable_schema || '.' || hypertable_name = $1 AND range_end < $2 AND NOT is_compressed
                "#,
                table,
                before,
            )
            .fetch_all(&mut *tx)
            .await?;
            chunks += done.len() as u64;
        }
        tx.commit().await?;
        Ok(Compressed::Chunks(chunks))
    }
}
