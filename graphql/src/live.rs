//! The live counts, read once for everybody who watches.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt, stream};
use muster_store::{LiveCounts, Store, StoreError};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::events;

/// Time between two samples while somebody watches, and the age up to which a sample is given to a query.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Reads the counts at most once a second, however many staff watch.
#[derive(Clone)]
pub struct LiveFeed {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    latest: watch::Sender<Option<Sample>>,
    /// Held while the store is asked, so that queries that come together share one answer.
    sampling: Mutex<()>,
    /// Told when somebody begins to watch.
    watched: Notify,
}

#[derive(Clone)]
struct Sample {
    counts: LiveCounts,
    taken: Instant,
}

impl LiveFeed {
    /// A feed that does nothing yet; [`LiveFeed::run`] serves its subscribers.
    pub fn new(store: Store) -> Self {
        let shared =
            Shared { store, latest: watch::Sender::new(None), sampling: Mutex::new(()), watched: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// The counts, at most a second old.
    ///
    /// # Errors
    /// The store does not answer; it is logged and counted here.
    pub async fn current(&self) -> Result<LiveCounts, StoreError> {
        if let Some(counts) = self.fresh() {
            return Ok(counts);
        }
        let _sampling = self.shared.sampling.lock().await;
        match self.fresh() {
            Some(counts) => Ok(counts),
            None => self.sample().await,
        }
    }

    /// The counts now and then every second, the newest only for whoever is slow. It ends with the process.
    pub fn subscribe(&self) -> impl Stream<Item = LiveCounts> + Send + use<> {
        let receiver = self.shared.latest.subscribe();
        self.shared.watched.notify_one();
        let next = |mut receiver: watch::Receiver<Option<Sample>>| async move {
            receiver.changed().await.ok()?;
            let sample = receiver.borrow_and_update().clone()?;
            Some((sample.counts, receiver))
        };
        stream::iter(self.fresh()).chain(stream::unfold(receiver, next))
    }

    /// Samples every second while there are subscribers, until the drain.
    pub async fn run(self, drain: CancellationToken) {
        drain.run_until_cancelled_owned(self.sample_while_watched()).await;
    }

    async fn sample_while_watched(&self) {
        loop {
            if self.shared.latest.receiver_count() == 0 {
                self.shared.watched.notified().await;
                continue;
            }
            let begun = Instant::now();
            {
                let _sampling = self.shared.sampling.lock().await;
                // A failure is logged there; subscribers keep what they have and the next second tries again.
                let _ = self.sample().await;
            }
            tokio::time::sleep(SAMPLE_EVERY.saturating_sub(begun.elapsed())).await;
        }
    }

    fn fresh(&self) -> Option<LiveCounts> {
        let latest = self.shared.latest.borrow();
        latest.as_ref().filter(|sample| sample.taken.elapsed() < SAMPLE_EVERY).map(|sample| sample.counts)
    }

    async fn sample(&self) -> Result<LiveCounts, StoreError> {
        let begun = Instant::now();
        match self.shared.store.live.snapshot(muster_store::now()).await {
            Ok(counts) => {
                events::live_sampled(begun.elapsed());
                self.shared.latest.send_replace(Some(Sample { counts, taken: begun }));
                Ok(counts)
            }
            Err(error) => {
                events::live_sample_failed(&error);
                Err(error)
            }
        }
    }
}
