//! Results on their way into the database: those that come at about the same time share a transaction.
//!
//! There is no timer: a batch is whatever came while the one before it was under way.

use muster_runtime::Tasks;
use muster_store::{SettleError, Settled, Settlement, Store};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Results that may wait; those who bring more wait to leave theirs.
const WAITING: usize = 4_096;
/// Results of one transaction.
const BATCH: usize = 128;

type Verdict = Result<Settled, SettleError>;

/// Where results are left.
pub(super) struct Settler {
    store: Store,
    waiting: mpsc::Sender<Waiting>,
}

struct Waiting {
    settlement: Settlement,
    verdict: oneshot::Sender<Verdict>,
}

impl Settler {
    /// Starts the task that settles.
    pub fn start(store: Store, tasks: &Tasks) -> Self {
        let (waiting, results) = mpsc::channel(WAITING);
        tasks.spawn("referee-settler", run(store.clone(), results, tasks.drain()));
        Self { store, waiting }
    }

    /// Settles a match, with others that end at the same time. Once, however often it is asked for.
    pub async fn settle(&self, settlement: Settlement) -> Verdict {
        let (verdict, told) = oneshot::channel();
        // Draining: the task is gone, and what still ends goes by itself.
        if let Err(mpsc::error::SendError(waiting)) = self.waiting.send(Waiting { settlement, verdict }).await {
            return self.store.matches.settle(&waiting.settlement).await;
        }
        told.await.unwrap_or_else(|_| Err(SettleError::Store(muster_store::StoreError::TimedOut("the settlement"))))
    }
}

/// Settles what waits, batch after batch, until the process drains; what waits then is still settled.
async fn run(store: Store, mut results: mpsc::Receiver<Waiting>, drain: CancellationToken) {
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            received = results.recv_many(&mut batch, BATCH) => if received == 0 { return },
            () = drain.cancelled(), if !results.is_closed() => {
                results.close();
                continue;
            }
        }
        settle(&store, batch).await;
    }
}

async fn settle(store: &Store, batch: Vec<Waiting>) {
    let (settlements, verdicts): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.settlement, waiting.verdict)).unzip();
    match store.matches.settle_many(&settlements).await {
        Ok(settled) => {
            for ((settled, verdict), settlement) in settled.into_iter().zip(verdicts).zip(&settlements) {
                // Nobody listens any more when its referee was stopped; the log is there for the next.
                let _ = verdict.send(settled.ok_or(SettleError::UnknownMatch(settlement.match_id)));
            }
        }
        // One that cannot be stored must not keep the others back: each goes by itself.
        Err(error) => {
            tracing::warn!(
                results = settlements.len(),
                error = &error as &dyn std::error::Error,
                "results could not be stored together; storing each by itself"
            );
            for (settlement, verdict) in settlements.iter().zip(verdicts) {
                let _ = verdict.send(store.matches.settle(settlement).await);
            }
        }
    }
}
