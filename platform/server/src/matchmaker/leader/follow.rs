//! What a leader goes by: the queue as it is now, and the regions that are closed.

use std::sync::Arc;

use muster_core::matchmaking::{Pool, QueueDefinition};

use super::ledger::Ledger;
use super::{Leader, gone};
use crate::events;

impl Leader<'_> {
    /// Goes by a new version of the queue.
    pub(super) async fn follow(&mut self, definition: Arc<QueueDefinition>) {
        match Pool::new((*definition).clone(), &self.shard.group) {
            Ok(pool) => {
                events::queue_followed(self.shard, definition.version);
                self.ledger.hide();
                self.gone = gone::is_gone(self.shard, &definition);
                let ledger = Ledger::new(&definition, &self.shard.group);
                (self.pool, self.ledger, self.definition) = (pool, ledger, definition);
                self.close_regions();
                self.ask_servers();
                self.out_of_step = true;
                if !self.gone
                    && let Err(error) = self.read_all(true).await
                {
                    self.fail(&error);
                }
            }
            Err(error) => tracing::error!(
                queue = self.shard.queue,
                version = definition.version,
                error = &error as &dyn std::error::Error,
                "this version of the queue makes no sense here; going on with the last one"
            ),
        }
    }

    /// Goes by what is closed now: who could play in closed regions only has to leave at once.
    pub(super) async fn follow_closures(&mut self) {
        if !self.close_regions() || self.gone {
            return;
        }
        events::closures_followed(self.shard, &self.closed);
        if let Err(error) = self.read_all(true).await {
            self.fail(&error);
        }
    }

    /// Lets the pool propose no match in a closed region. Says whether other regions of the queue are closed than before.
    pub(super) fn close_regions(&mut self) -> bool {
        let closures = self.closures.now();
        let closed = closures.in_queue(&self.definition);
        self.pool.close_regions(&closed);
        let changed = !closed.iter().copied().eq(self.closed.iter().map(String::as_str));
        self.closed = closed.into_iter().map(str::to_owned).collect();
        changed
    }
}
