//! One shard: standing for its lease, and leading it as long as this process holds it.

use std::sync::Arc;
use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_store::{EndReason, Shard, StoreError};
use tokio::sync::watch;

use super::leader::{Leader, Left};
use super::reign::{self, Reign};
use super::{Matchmaker, facts, tell};
use crate::events;

/// How long a process stands back after it could not lead, so that another may try.
const STAND_BACK: Duration = Duration::from_secs(3);

/// Leads the shard whenever this process holds its lease.
pub(super) async fn run(
    matchmaker: Arc<Matchmaker>,
    shard: Shard,
    mut definitions: watch::Receiver<Arc<QueueDefinition>>,
) {
    let lease_name = format!("matchmaker.{}.{}", shard.queue, shard.group);
    while let Some(lease) = reign::stand(&matchmaker, &lease_name).await {
        let reign = Reign::begin(matchmaker.store.leases.clone(), lease);
        let definition = definitions.borrow_and_update().clone();
        let failed = if definition.groups().contains(&shard.group.as_str()) {
            match Leader::new(&matchmaker, &shard, definition).await {
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
            }
        } else {
            let emptied = empty(&matchmaker, &shard, &definition).await;
            // Nothing to lead: look again when the queue changes, or somebody has still put a ticket here.
            tokio::select! {
                () = matchmaker.drain.cancelled() => {}
                () = reign.over() => {}
                _ = definitions.changed() => {}
                () = tokio::time::sleep(STAND_BACK) => {}
            }
            reign.end().await;
            emptied.is_err()
        };
        if failed {
            tokio::select! {
                () = matchmaker.drain.cancelled() => return,
                () = tokio::time::sleep(STAND_BACK) => {}
            }
        }
    }
}

/// Ends the tickets of a group that the queue has no more.
async fn empty(matchmaker: &Matchmaker, shard: &Shard, definition: &QueueDefinition) -> Result<(), StoreError> {
    let waiting = matchmaker.store.tickets.snapshot(shard).await?.tickets;
    let tickets: Vec<_> = waiting.iter().map(|ticket| ticket.ticket_id).collect();
    let ended = matchmaker.store.tickets.end_many(&tickets, EndReason::ShardGone, muster_store::now()).await?;
    ended.iter().for_each(|record| facts::ticket_ended(&matchmaker.telemetry, definition, record));
    tell(matchmaker, &ended).await;
    Ok(())
}
