//! The queues as this gateway knows them: read once, then followed. A change is here in well under a second.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use muster_core::matchmaking::QueueDefinition;

type Queues = Arc<BTreeMap<String, Arc<QueueDefinition>>>;

/// The newest version of every queue.
#[derive(Default)]
pub struct QueueBook(RwLock<Queues>);

impl QueueBook {
    /// One queue, by name.
    pub fn get(&self, name: &str) -> Option<Arc<QueueDefinition>> {
        self.read(|queues| queues.get(name).cloned())
    }

    /// All queues, by name.
    pub fn all(&self) -> Queues {
        self.read(Arc::clone)
    }

    /// Enters a version, unless a newer one is known: what was read and what was followed may cross.
    pub fn enter(&self, queue: QueueDefinition) {
        let mut queues = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if queues.get(&queue.name).is_none_or(|known| known.version < queue.version) {
            Arc::make_mut(&mut queues).insert(queue.name.clone(), Arc::new(queue));
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Queues) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use muster_core::matchmaking::shipped_queues;

    use super::*;

    #[test]
    fn an_older_version_changes_nothing() {
        let queue = shipped_queues().remove(0);
        let book = QueueBook::default();
        book.enter(QueueDefinition { version: 3, ..queue.clone() });
        let read_before = book.all();
        book.enter(QueueDefinition { version: 2, ..queue.clone() });
        assert_eq!(book.get(&queue.name).map(|known| known.version), Some(3));
        book.enter(QueueDefinition { version: 4, ..queue.clone() });
        assert_eq!(book.get(&queue.name).map(|known| known.version), Some(4));
        assert_eq!(read_before[&queue.name].version, 3, "who has it in hand keeps it");
        assert!(book.get("chess-ranked").is_none());
    }
}
