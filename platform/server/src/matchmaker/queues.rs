//! Which shards there are: one for every group of every queue, as the queues change, and for groups that a queue no longer has
//! as long as tickets wait there. And the counts that staff see, told by every matchmaker, so that they stand where nobody leads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use muster_core::matchmaking::QueueDefinition;
use muster_runtime::Tasks;
use muster_store::{Shard, StoreError};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::{Matchmaker, shard};
use crate::events;

/// How often the counts are read.
const COUNT: Duration = Duration::from_secs(2);
/// Before the watch is tried again.
const RETRY: Duration = Duration::from_millis(500);

type Definitions = watch::Sender<Arc<QueueDefinition>>;

struct Follower {
    matchmaker: Arc<Matchmaker>,
    tasks: Tasks,
    queues: HashMap<String, Definitions>,
    running: HashSet<Shard>,
}

/// Runs a task for each shard there is; a queue that staff add gets its own within a second.
pub(super) async fn follow(matchmaker: Arc<Matchmaker>, tasks: Tasks) {
    let drain = matchmaker.drain.clone();
    let mut follower = Follower { matchmaker, tasks, queues: HashMap::new(), running: HashSet::new() };
    let mut counts = interval(COUNT);
    counts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !drain.is_cancelled() {
        let mut changes = match follower.matchmaker.store.queues.watch().await {
            Ok(changes) => changes,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the queues cannot be followed; trying again");
                tokio::select! {
                    () = drain.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => continue,
                }
            }
        };
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                change = changes.next() => match change {
                    Some(definition) => follower.take(definition),
                    None => break,
                },
                _ = counts.tick() => if let Err(error) = follower.count().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the live counts could not be read");
                },
            }
        }
    }
}

impl Follower {
    fn take(&mut self, definition: QueueDefinition) {
        let name = definition.name.clone();
        let groups: Vec<String> = definition.groups().into_iter().map(str::to_owned).collect();
        let definition = Arc::new(definition);
        match self.queues.get(&name) {
            Some(known) => {
                known.send_if_modified(|known| {
                    let newer = definition.version > known.version;
                    if newer {
                        *known = definition.clone();
                    }
                    newer
                });
            }
            None => {
                self.queues.insert(name.clone(), watch::Sender::new(definition));
            }
        }
        for group in groups {
            self.run(Shard { queue: name.clone(), group });
        }
    }

    fn run(&mut self, shard: Shard) {
        let Some(definitions) = self.queues.get(&shard.queue) else { return };
        if self.running.insert(shard.clone()) {
            let task = shard::run(self.matchmaker.clone(), shard.clone(), definitions.subscribe());
            self.tasks.spawn(format!("matchmaker {shard}"), task);
        }
    }

    async fn count(&mut self) -> Result<(), StoreError> {
        let store = &self.matchmaker.store;
        events::live_counts(&store.live.snapshot(muster_store::now()).await?);
        let mut waiting = Vec::new();
        for (queue, definition) in &self.queues {
            let mut groups: HashMap<String, u64> = store.tickets.waiting(queue).await?.into_iter().collect();
            for group in definition.borrow().groups() {
                groups.entry(group.to_owned()).or_default();
            }
            waiting.extend(groups.into_iter().map(|(group, n)| (Shard { queue: queue.clone(), group }, n)));
        }
        for (shard, waiting) in waiting {
            events::tickets_waiting(&shard, waiting);
            // Also a group that the queue has no more: its tickets have to be told so.
            if waiting > 0 {
                self.run(shard);
            }
        }
        Ok(())
    }
}
