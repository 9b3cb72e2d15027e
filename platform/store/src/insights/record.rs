//! From a writer's transaction into `insights.pending`.

use sqlx::PgConnection;

use super::Insights;
use super::facts::Gathered;
use super::seen::SeenEvent;
use crate::{Result, codec};

/// Leaves what these events bring to be folded. Call it in the transaction that stores them, with those only that were new: then each
/// event counts once, whatever is delivered again. One short statement, however many events.
pub async fn record(transaction: &mut PgConnection, events: &[SeenEvent<'_>]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut gathered = Gathered::new();
    events.iter().for_each(|event| gathered.add(event));
    let facts = codec::to_json(&gathered.finish());
    sqlx::query!("INSERT INTO insights.pending (facts) VALUES ($1)", facts).execute(transaction).await?;
    Ok(())
}

impl Insights {
    /// Leaves events to be folded that are stored elsewhere, or nowhere: for a backfill, and to measure the questions without storing
    /// what they never read. Twice the same events count twice.
    pub async fn backfill(&self, events: &[SeenEvent<'_>]) -> Result<()> {
        let mut transaction = self.postgres.begin().await?;
        record(&mut transaction, events).await?;
        Ok(transaction.commit().await?)
    }
}
