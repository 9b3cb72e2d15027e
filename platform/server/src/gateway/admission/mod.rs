//! The way into the queues: one batch at a time.
//!
//! A thousand players may want a ticket in the same moment. Asked one by one, each would cost a round trip to PostgreSQL and one
//! to Redis; instead all wishes that wait are taken together, with one round trip to each. There is no timer: a batch is whatever
//! came while the ones before it were under way, so a lone wish goes at once and a crowd shares.

mod batch;
mod wish;

use muster_core::wire::TicketView;
use muster_runtime::Tasks;
use muster_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::{ApiError, Code};
use crate::urgency::Urgency;

pub use wish::{Owner, Wish};

/// Wishes that may wait; more are told to come back later.
const WAITING: usize = 16_384;
/// Wishes of one batch.
const BATCH: usize = 256;
/// From so many wishes in a batch on there is a crowd at the door, and the matchmaker of this process steps back for a moment.
const CROWD: usize = 64;
/// Batches under way: while one is with PostgreSQL, the other is with Redis.
const UNDER_WAY: usize = 2;

/// What became of a wish to queue.
#[derive(Debug)]
pub enum Creation {
    /// A new ticket waits.
    Created(TicketView),
    /// The same request had been made before; this is its ticket as it is now.
    Repeated(TicketView),
}

type Verdict = Result<Creation, ApiError>;

/// A wish and whoever waits for its verdict.
struct Waiting {
    wish: Wish,
    verdict: oneshot::Sender<Verdict>,
}

/// Where wishes are left.
pub struct Admission {
    store: Store,
    waiting: mpsc::Sender<Waiting>,
}

impl Admission {
    /// Starts the task that admits.
    pub fn start(store: Store, crowd: Urgency, tasks: &Tasks) -> Self {
        let (waiting, wishes) = mpsc::channel(WAITING);
        tasks.spawn("gateway-admission-door", open(store.clone(), tasks.drain()));
        tasks.spawn("gateway-admission", run(store.clone(), crowd, wishes, tasks.drain()));
        Self { store, waiting }
    }

    /// Puts a wish into its queue, with others that come at the same time: at once, whether or not anybody waits for the verdict.
    ///
    /// # Errors
    /// Too many wait.
    pub fn leave(&self, wish: Wish) -> Result<Pending, ApiError> {
        let (verdict, told) = oneshot::channel();
        match self.waiting.try_send(Waiting { wish, verdict }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(ApiError::from(Code::Busy).retry_after(1)),
            // Draining: the task is gone, and what is still asked for goes by itself.
            Err(mpsc::error::TrySendError::Closed(waiting)) => {
                let store = self.store.clone();
                tokio::spawn(async move { batch::admit(&store, vec![waiting]).await });
            }
        }
        Ok(Pending(told))
    }
}

/// A wish that was left. A thousand players who come in one moment each wait for one: it is a pointer.
pub struct Pending(oneshot::Receiver<Verdict>);

impl Pending {
    /// What became of it.
    pub async fn verdict(self) -> Verdict {
        self.0.await.unwrap_or_else(|_| Err(Code::Internal.into()))
    }
}

/// Lets PostgreSQL know what will be asked, before the first crowd comes.
async fn open(store: Store, drain: CancellationToken) {
    if let Some(Err(error)) = drain.run_until_cancelled_owned(store.accounts.open_door()).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "the first players who queue wait for connections");
    }
}

/// Takes what waits, batch after batch, until the process drains.
async fn run(store: Store, crowd: Urgency, mut wishes: mpsc::Receiver<Waiting>, drain: CancellationToken) {
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        while under_way.len() >= UNDER_WAY {
            under_way.join_next().await;
        }
        let mut batch = Vec::new();
        tokio::select! {
            received = wishes.recv_many(&mut batch, BATCH) => if received == 0 { break },
            () = drain.cancelled(), if !wishes.is_closed() => {
                wishes.close();
                continue;
            }
        }
        let store = store.clone();
        let crowd = (batch.len() >= CROWD).then(|| crowd.hold());
        under_way.spawn(async move {
            batch::admit(&store, batch).await;
            drop(crowd);
        });
    }
    while under_way.join_next().await.is_some() {}
}
