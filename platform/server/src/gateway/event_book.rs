//! The event types as this gateway knows them: read once, then followed. A change is here in under a second.

use std::sync::{Arc, PoisonError, RwLock};

use muster_store::{Catalogue, CatalogueWatch};
use tokio_util::sync::CancellationToken;

/// The newest catalogue.
pub struct EventBook(RwLock<Arc<Catalogue>>);

impl EventBook {
    /// With what was read first.
    pub fn new(catalogue: Catalogue) -> Self {
        Self(RwLock::new(Arc::new(catalogue)))
    }

    /// As it is now; whoever has it in hand keeps it while it changes.
    pub fn now(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters every change, until the gateway drains.
    pub async fn follow(&self, mut watch: CatalogueWatch, drain: CancellationToken) {
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                catalogue = watch.next() => {
                    *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
                }
            }
        }
    }
}
