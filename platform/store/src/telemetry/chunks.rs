//! Old telemetry goes by the chunk: a day at once, without touching a row (but for [`super::short`]).

use chrono::{DateTime, Utc};

use super::Telemetry;
use super::long::{LONG_EVENTS, keep_long};
use super::short::SHORT_EVENTS;
use crate::{StoreError, codec};

/// The tables whose chunks may be dropped; nothing else is, whatever a policy says. The one with a colon is a part of a table: the
/// events of types whose retention is `short`, of which single rows go.
///
/// Of insights, sums by day stay when what they are sums of has gone. A session or match that is told of again after its chunk has gone
/// counts again: keep those for longer than the week that events may be late.
pub const DROPPABLE_TABLES: [&str; 10] = [
    EVENTS,
    LONG_EVENTS,
    SHORT_EVENTS,
    "telemetry.quarantine",
    "telemetry.session_sequences",
    "insights.sessions",
    "insights.matches",
    "insights.queue_facts",
    "insights.queue_slices",
    "insights.samples",
];

/// Where all events are at first.
const EVENTS: &str = "telemetry.events";

/// A part of a hypertable that holds a range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// As PostgreSQL calls it.
    pub name: String,
    /// From here.
    pub range_start: DateTime<Utc>,
    /// To here, not included.
    pub range_end: DateTime<Utc>,
    /// About how many rows it holds.
    pub rows_estimate: u64,
    /// How much it takes on disk, with its indexes.
    pub bytes: u64,
}

/// Why nothing was dropped.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// This table's chunks may not be dropped.
    #[error("chunks of `{0}` are never dropped; only those of {allowed}", allowed = DROPPABLE_TABLES.join(", "))]
    UnknownTable(String),
    /// Nothing was dropped.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for DropError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Telemetry {
    /// Drops the chunks of a table (one of [`DROPPABLE_TABLES`]) that lie wholly before the cutoff, and tells which they were,
    /// oldest first. A dry run tells the same and drops nothing. Of `telemetry.events`, those of types whose newest version says `long` are
    /// in `telemetry.long_events` afterwards; keep it for longer than the 8 days that late events may need.
    pub async fn drop_chunks_older_than(
        &self,
        table: &str,
        cutoff: DateTime<Utc>,
        dry_run: bool,
    ) -> Result<Vec<Chunk>, DropError> {
        if !DROPPABLE_TABLES.contains(&table) {
            return Err(DropError::UnknownTable(table.to_owned()));
        }
        if table == SHORT_EVENTS {
            return Ok(self.drop_short(cutoff, dry_run).await?);
        }
        let mut tx = self.postgres.begin().await?;
        let chunks = sqlx::query!(
            r#"
            SELECT c.name::text AS "name!", i.range_start AS "range_start!", i.range_end AS "range_end!",
                   greatest(k.reltuples::bigint, s.n_live_tup, 0) AS "rows_estimate!", pg_total_relation_size(k.oid) AS "bytes!"
            FROM show_chunks($1::text::regclass, older_than => $2::timestamptz) AS c (name)
            JOIN pg_class k ON k.oid = c.name
            JOIN pg_namespace n ON n.oid = k.relnamespace
            JOIN timescaledb_information.chunks i ON i.chunk_schema = n.nspname AND i.chunk_name = k.relname
            LEFT JOIN pg_stat_all_tables s ON s.relid = k.oid
            ORDER BY i.range_start
            "#,
            table,
            cutoff,
        )
        .fetch_all(&mut *tx)
        .await?;
        if let Some(last) = chunks.last().filter(|_| !dry_run) {
            if table == EVENTS {
                keep_long(&mut tx, last.range_end).await?;
            }
            sqlx::query!("SELECT drop_chunks($1::text::regclass, older_than => $2::timestamptz)", table, cutoff)
                .fetch_all(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        let chunk = |name, range_start, range_end, rows, bytes| Chunk {
            name,
            range_start,
            range_end,
            rows_estimate: codec::count(rows),
            bytes: codec::count(bytes),
        };
        Ok(chunks
            .into_iter()
            .map(|row| chunk(row.name, row.range_start, row.range_end, row.rows_estimate, row.bytes))
            .collect())
    }
}
