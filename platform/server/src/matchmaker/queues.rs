//! Which shards there are: one for every group of every queue, as the queues change, and for groups that a queue no longer has
//! as long as anything there is not over. And the counts that staff see, told by every matchmaker, so that they stand where nobody
//! leads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use muster_core::matchmaking::QueueDefinition;
use muster_runtime::Tasks;
use muster_store::{OpenShard, Shard, StoreError};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::{Matchmaker, shard};
use crate::events;

/// How often the counts are read.
const COUNT: Duration = Duration::from_secs(2);
/// Before the watch is tried again.
const RETRY: Duration = Duration::from_millis(500);

type Definitions = watch::Sender<Arc<QueueDefinition>>;

/// What is not over yet, as it was counted last.
#[derive(Default)]
pub(super) struct Unfinished {
    tickets: HashSet<Shard>,
    matches: HashSet<Shard>,
}

impl Unfinished {
    /// Whether anybody waits, is asked, or has a match that waits for a server, in this shard.
    pub(super) fn anything(&self, shard: &Shard) -> bool {
        self.tickets.contains(shard) || self.matches(shard)
    }

    /// Whether matches of this shard wait for a server, or for its answer to be carried out.
    pub(super) fn matches(&self, shard: &Shard) -> bool {
        self.matches.contains(shard)
    }
}

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
        if !self.matchmaker.settings.serves(&shard.queue) {
            return;
        }
        let Some(definitions) = self.queues.get(&shard.queue) else { return };
        if self.running.insert(shard.clone()) {
            let task = shard::run(self.matchmaker.clone(), shard.clone(), definitions.subscribe());
            self.tasks.spawn(format!("matchmaker {shard}"), task);
        }
    }

    async fn count(&mut self) -> Result<(), StoreError> {
        let store = &self.matchmaker.store;
        let open = store.tickets.open_shards().await?;
        let unfinished = Unfinished {
            tickets: open
                .iter()
                .filter(|open| open.waiting + open.proposals > 0)
                .map(|open| open.shard.clone())
                .collect(),
            matches: store.assignments.unfinished().await?.into_iter().collect(),
        };
        let shards: Vec<Shard> = unfinished.tickets.union(&unfinished.matches).cloned().collect();
        self.matchmaker.unfinished.send_replace(unfinished);
        // Also those of a group that the queue has no more: somebody has to bring it to its end.
        shards.into_iter().for_each(|shard| self.run(shard));
        self.show_waiting(open);
        events::live_counts(&self.matchmaker.store.live.snapshot(muster_store::now()).await?);
        Ok(())
    }

    /// Every group of every queue is told, also where nobody waits: a gauge keeps its last value.
    fn show_waiting(&self, open: Vec<OpenShard>) {
        let mut waiting: HashMap<Shard, u64> = HashMap::new();
        for (queue, definition) in &self.queues {
            waiting.extend(definition.borrow().groups().into_iter().map(|group| (Shard::new(queue, group), 0)));
        }
        let known = open.into_iter().filter(|open| self.queues.contains_key(&open.shard.queue));
        waiting.extend(known.map(|open| (open.shard, open.waiting)));
        waiting.iter().for_each(|(shard, waiting)| events::tickets_waiting(shard, *waiting));
    }
}
