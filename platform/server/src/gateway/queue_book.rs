//! The queues as this gateway knows them: read from the store, kept at hand.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use muster_core::matchmaking::QueueDefinition;
use muster_store::{Store, StoreError};

type Queues = Arc<BTreeMap<String, Arc<QueueDefinition>>>;

/// The newest version of every queue.
pub struct QueueBook(RwLock<Queues>);

impl QueueBook {
    /// Reads all queues.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new(read(store).await?)))
    }

    /// Reads them again.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let queues = read(store).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = queues;
        Ok(())
    }

    /// One queue, by name.
    pub fn get(&self, name: &str) -> Option<Arc<QueueDefinition>> {
        self.all().get(name).cloned()
    }

    /// All queues, by name.
    pub fn all(&self) -> Queues {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn read(store: &Store) -> Result<Queues, StoreError> {
    let queues = store.queues.list().await?;
    Ok(Arc::new(queues.into_iter().map(|queue| (queue.name.clone(), Arc::new(queue))).collect()))
}
