//! Facts for the questions of staff: what the writers leave is folded, what is old is packed, and the platform is sampled.
//!
//! Every process with the role writer does so; at any moment one of them has its way, and the others find nothing to do.

use std::time::Duration;

use chrono::TimeDelta;
use muster_store::{Folded, Result, Store};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::events;

/// How old facts are, at most, while the database keeps up.
const FOLD_EVERY: Duration = Duration::from_secs(2);
/// One of several processes keeps the sample of a minute; half of it, so that no minute is left out.
const SAMPLE_EVERY: Duration = Duration::from_secs(30);
/// Late events are few, and packing them costs as much as their day.
const PACK_EVERY: Duration = Duration::from_secs(600);
/// Chunks older than this are compressed where the licence has it.
const COMPRESS_AFTER: TimeDelta = TimeDelta::days(14);

/// Looks after the facts until the process drains.
pub(crate) async fn run(store: Store, drain: CancellationToken) {
    let [mut folds, mut samples, mut packs] = [FOLD_EVERY, SAMPLE_EVERY, PACK_EVERY].map(|every| {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    });
    loop {
        let (doing, done) = tokio::select! {
            () = drain.cancelled() => return,
            _ = folds.tick() => ("fold", fold(&store, &drain).await),
            _ = samples.tick() => ("sample", sample(&store).await),
            _ = packs.tick() => ("pack", pack(&store).await),
        };
        if let Err(error) = done {
            events::facts_failed(doing, &error);
        }
    }
}

async fn fold(store: &Store, drain: &CancellationToken) -> Result<()> {
    while !drain.is_cancelled() {
        match store.insights.fold().await? {
            Folded::Busy | Folded::Batches(0) => break,
            Folded::Batches(batches) => events::facts_folded(batches),
        }
    }
    Ok(())
}

async fn sample(store: &Store) -> Result<()> {
    let counts = store.live.snapshot(muster_store::now()).await?;
    store.insights.sample(&counts).await.map(drop)
}

async fn pack(store: &Store) -> Result<()> {
    let now = muster_store::now();
    // Yesterday still gets events from clients that were offline.
    store.insights.pack((now - TimeDelta::days(1)).date_naive()).await?;
    store.insights.compress(now - COMPRESS_AFTER).await.map(drop)
}
