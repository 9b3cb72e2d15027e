//! The regions that are closed, as this process knows them: read once, then followed. A change is here in under a second.

use std::sync::Arc;

use muster_runtime::Tasks;
use muster_store::{ClosedRegions, Store, StoreError};
use tokio::sync::watch;

/// What is closed now. Clones share it.
#[derive(Clone)]
pub struct ClosureBook(watch::Receiver<Arc<ClosedRegions>>);

impl ClosureBook {
    /// Reads what is closed, and follows it until the process drains.
    ///
    /// # Errors
    /// It could not be read the first time: nobody knows then whom to refuse.
    pub async fn follow(store: &Store, tasks: &Tasks) -> Result<Self, StoreError> {
        let (closed, mut watch) = store.closures.watch().await?;
        let (sender, receiver) = watch::channel(Arc::new(closed));
        let drain = tasks.drain();
        tasks.spawn("closures", async move {
            loop {
                tokio::select! {
                    () = drain.cancelled() => return,
                    closed = watch.next() => {
                        sender.send_replace(Arc::new(closed));
                    }
                }
            }
        });
        Ok(Self(receiver))
    }

    /// As it is now; whoever has it in hand keeps it while it changes.
    pub fn now(&self) -> Arc<ClosedRegions> {
        self.0.borrow().clone()
    }

    /// Waits until it is another than this one has seen.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The process drains: nothing changes any more.
            std::future::pending::<()>().await;
        }
    }
}
