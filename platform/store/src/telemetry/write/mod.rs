//! Into the hypertable, and exactly what was new into the rollups.
//!
//! What comes is new, nearly always: it goes by `COPY`, which takes all rows or none, and costs the database half of an `INSERT` that looks
//! for conflicts. Where one of them is there already, since it was delivered again, the others go by such an `INSERT`; and so does
//! what comes in the next seconds, so that nobody who sends one event again and again costs us every `COPY`.

mod copy;
mod insert;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use self::copy::Encoded;
use self::insert::insert_missing;
use super::rollups::{Measures, Rollups};
use super::row::Row;
use super::{Telemetry, TelemetryEvent};
use crate::insights::{self, SeenEvent};
use crate::{Result, StoreError, codec};

/// What a batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Events that are in the database now and were not before.
    pub new: u64,
    /// Events that were there already, or twice in the batch.
    pub duplicates: u64,
}

/// How long after a conflict no `COPY` is tried.
const WARINESS: Duration = Duration::from_secs(10);

/// Whether what comes has to be expected to be there already. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Wary(Arc<Mutex<Option<Instant>>>);

impl Wary {
    fn now(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    fn begin(&self) {
        *self.until() = Some(Instant::now() + WARINESS);
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telemetry {
    /// Writes events, each once (by id and time), and counts those that were new, all in one transaction.
    pub async fn write_batch(&self, events: &[TelemetryEvent]) -> Result<Written> {
        let lines: Vec<Vec<u8>> = events.iter().map(codec::to_json).collect();
        let rows = lines.iter().map(|line| Row::parse(line)).collect::<std::result::Result<Vec<_>, _>>();
        let rows = rows.map_err(|reason| StoreError::corrupt("a telemetry event", reason))?;
        self.write_rows(&rows).await
    }

    /// The same, for rows.
    pub(super) async fn write_rows(&self, rows: &[Row<'_>]) -> Result<Written> {
        if rows.is_empty() {
            return Ok(Written { new: 0, duplicates: 0 });
        }
        // In the order of their keys, so that two writers that hold the same events do not wait for each other in a circle.
        let mut once: Vec<&Row<'_>> = rows.iter().collect();
        once.sort_unstable_by_key(|row| row.key());
        once.dedup_by_key(|row| row.key());
        let new = match self.wary.now() {
            true => self.write_missing(&once).await?,
            false => match self.write_all(&once).await {
                Err(error) if error.is_conflict() => {
                    self.wary.begin();
                    self.write_missing(&once).await?
                }
                written => written?,
            },
        };
        Ok(Written { new, duplicates: rows.len() as u64 - new })
    }

    /// Rows of which none is stored yet.
    async fn write_all(&self, rows: &[&Row<'_>]) -> Result<u64> {
        let copy = Encoded::of(rows)?;
        let mut tx = self.postgres.begin().await?;
        copy.send(&mut tx).await?;
        count(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Those of them that are not.
    async fn write_missing(&self, rows: &[&Row<'_>]) -> Result<u64> {
        let mut tx = self.postgres.begin().await?;
        let new = insert(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(new)
    }
}

/// Stores rows that are not there yet, counts them, and tells how many they were; in the caller's transaction.
pub(super) async fn insert(transaction: &mut PgConnection, rows: &[&Row<'_>]) -> Result<u64> {
    let new = insert_missing(transaction, rows).await?;
    count(transaction, &new).await?;
    Ok(new.len() as u64)
}

/// Counts rows that were new. Other writers wait for the rollups' rows, so these come last.
async fn count(transaction: &mut PgConnection, new: &[&Row<'_>]) -> Result<()> {
    let seen: Vec<SeenEvent<'_>> = new.iter().map(|row| row.seen()).collect();
    insights::record(transaction, &seen).await?;
    let measures = Measures::read(transaction).await?;
    Rollups::of(new, &measures)?.add(transaction).await
}
