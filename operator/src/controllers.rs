//! What the acting process runs: one controller a kind.

use tokio_util::sync::CancellationToken;

use crate::{autoscaler, context::Context, region, rotation};

/// Runs all controllers until `term` is cancelled and what they were doing is done.
///
/// # Errors
/// A controller could not go on; the process ends, and another one acts.
pub async fn run(context: Context, term: CancellationToken) -> anyhow::Result<()> {
    tokio::try_join!(
        region::run(context.clone(), term.clone()),
        rotation::run(context.clone(), term.clone()),
        autoscaler::run(context.clone(), term.clone())
    )?;
    Ok(())
}
