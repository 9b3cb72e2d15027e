//! One shard: standing for its lease, and leading it as long as this process holds it.

use std::sync::Arc;
use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_store::Shard;
use tokio::sync::watch;

use super::Matchmaker;
use super::leader::{Leader, Left};
use super::reign::{self, Reign};
use crate::events;

/// How long a process stands back after it could not lead, so that another may try.
const STAND_BACK: Duration = Duration::from_secs(3);

/// Leads the shard whenever there is anything to lead and this process holds its lease.
pub(super) async fn run(
    matchmaker: Arc<Matchmaker>,
    shard: Shard,
    mut definitions: watch::Receiver<Arc<QueueDefinition>>,
) {
    let lease_name = format!("matchmaker.{}.{}", shard.queue, shard.group);
    while is_needed(&matchmaker, &shard, &mut definitions).await {
        let Some(lease) = reign::stand(&matchmaker, &lease_name).await else { return };
        let reign = Reign::begin(matchmaker.store.leases.clone(), lease);
        let definition = definitions.borrow_and_update().clone();
        let failed = match Leader::new(&matchmaker, &shard, definition).await {
            Ok(mut leader) => {
                let left = leader.lead(&reign, &mut definitions).await;
                events::shard_left(&shard, left.reason());
                reign.end().await;
                leader.resign().await;
                left == Left::Deaf
            }
            Err(error) => {
                tracing::warn!(
                    queue = shard.queue,
                    group = shard.group,
                    error = &*error,
                    "this shard cannot be led; trying again"
                );
                reign.end().await;
                true
            }
        };
        if failed {
            tokio::select! {
                () = matchmaker.drain.cancelled() => return,
                () = tokio::time::sleep(STAND_BACK) => {}
            }
        }
    }
}

/// Waits until the queue has this group, or something is not over in it. False: the process drains.
async fn is_needed(
    matchmaker: &Matchmaker,
    shard: &Shard,
    definitions: &mut watch::Receiver<Arc<QueueDefinition>>,
) -> bool {
    let mut unfinished = matchmaker.unfinished.subscribe();
    loop {
        if definitions.borrow_and_update().groups().contains(&shard.group.as_str())
            || unfinished.borrow_and_update().anything(shard)
        {
            return true;
        }
        tokio::select! {
            () = matchmaker.drain.cancelled() => return false,
            Ok(()) = definitions.changed() => {}
            Ok(()) = unfinished.changed() => {}
        }
    }
}
