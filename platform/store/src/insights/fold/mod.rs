//! From `insights.pending` into the facts, each batch once.

mod counts;
mod marks;
mod matches;
mod names;
mod sessions;
mod tickets;

use sqlx::PgConnection;

use super::Insights;
use super::facts::{Facts, Gathered};
use crate::{Result, codec};

/// The most batches of one transaction.
const AT_ONCE: i64 = 64;

/// Whoever holds this advisory lock of the database folds or packs; everybody else leaves it to them.
pub(super) const LOCK: i64 = 0x6d75_7374_6572_0001;

/// What folding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// So many batches are in the facts now; there may be more of them.
    Batches(u64),
    /// Somebody else is at it.
    Busy,
}

impl Insights {
    /// Moves what waits into the facts, as much as fits into one transaction. Call it every second or two; several processes may.
    pub async fn fold(&self) -> Result<Folded> {
        let mut tx = self.postgres.begin().await?;
        let mine = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "mine!""#, LOCK);
        if !mine.fetch_one(&mut *tx).await? {
            return Ok(Folded::Busy);
        }
        let batches = fold_some(&mut tx).await?;
        tx.commit().await?;
        Ok(Folded::Batches(batches))
    }

    /// Moves all that waits into the facts, after whoever is at it.
    pub async fn fold_all(&self) -> Result<()> {
        loop {
            let mut tx = self.postgres.begin().await?;
            sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut *tx).await?;
            let batches = fold_some(&mut tx).await?;
            tx.commit().await?;
            if batches == 0 {
                return Ok(());
            }
        }
    }
}

/// Folds the oldest batches, in a transaction that has the lock.
pub(super) async fn fold_some(tx: &mut PgConnection) -> Result<u64> {
    // Primary key of pending.
    let rows = sqlx::query!("SELECT batch, facts FROM insights.pending ORDER BY batch LIMIT $1", AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut gathered = Gathered::new();
    for row in &rows {
        gathered.absorb(codec::from_json::<Facts>("a batch of facts", &row.facts)?);
    }
    add(tx, &gathered.finish()).await?;
    let batches: Vec<i64> = rows.iter().map(|row| row.batch).collect();
    sqlx::query!("DELETE FROM insights.pending WHERE batch = ANY($1)", &batches).execute(tx).await?;
    Ok(rows.len() as u64)
}

/// What sums are told apart by: most questions ask for regions at most, and are answered from few rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grain {
    Region,
    Place,
}

/// Where something stands in the lists that a statement was given, by the number that `WITH ORDINALITY` counts from 1 on.
fn place_of(ordinality: i64) -> usize {
    usize::try_from(ordinality - 1).unwrap_or_default()
}

async fn add(tx: &mut PgConnection, facts: &Facts) -> Result<()> {
    let mut numbers = names::Numbers::of(tx, facts).await?;
    counts::add(tx, facts, &numbers).await?;
    marks::add(tx, facts, &numbers).await?;
    sessions::add(tx, facts, &mut numbers).await?;
    matches::add(tx, facts, &mut numbers).await?;
    tickets::add(tx, facts, &mut numbers).await
}
