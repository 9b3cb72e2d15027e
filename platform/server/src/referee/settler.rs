//! The end of matches: result, ratings, history, telemetry, exactly once by the match's id. Those that end at about the same time
//! go together: one transaction, one round trip to each of the others.
//!
//! ```text
//! log has the outcome ─► database ─► telemetry ─► leaderboards ─► players ─► the log goes
//! ```
//! Every step may be done again: the row is settled once in the database, events of telemetry have ids that follow from the match,
//! a leaderboard keeps what it knows of a later match, players know a result when they see it twice; and only when all of it stands
//! does the log go. A referee that dies anywhere in here leaves a log that the next one settles.
//!
//! There is no timer: a batch is whatever came while the one before it was in the database.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::future::join_all;
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::Push;
use muster_runtime::Tasks;
use muster_store::{NewMatch, PublishError, Settled, Settlement, Store, StoreError, TelemetryEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::record::MatchRecord;
use super::{AdoptError, settle};
use crate::events;
use crate::telemetry::clients_of;

/// Matches that may wait; those who bring more wait to leave theirs.
const WAITING: usize = 4_096;
/// Matches of one transaction.
const BATCH: usize = 128;
/// Logs of a batch that are purged at once: NATS reads the whole of what it purges, and moves wait for it.
const PURGES: usize = 2;
/// Batches that are in the database already, and being told.
const TELLING: usize = 4;

type Verdict = Result<(), AdoptError>;

/// Where matches are left that are over.
pub(super) struct Settler {
    store: Store,
    waiting: mpsc::Sender<(Over, oneshot::Sender<Verdict>)>,
}

/// A match that is over.
struct Over {
    record: MatchRecord,
    settlement: Settlement,
}

impl Settler {
    /// Starts the task that settles.
    pub fn start(store: Store, tasks: &Tasks) -> Self {
        let (waiting, over) = mpsc::channel(WAITING);
        tasks.spawn("referee-settler", run(store.clone(), over, tasks.drain()));
        Self { store, waiting }
    }

    /// Settles a match that has its outcome in the log, with others that end at the same time; does nothing for one that has none.
    /// Once, however often it is asked for. When this returns well, the log is gone.
    pub async fn settle(&self, record: &MatchRecord) -> Verdict {
        let Some(settlement) = settle::settlement(record) else { return Ok(()) };
        let over = Over { record: record.clone(), settlement };
        let (verdict, told) = oneshot::channel();
        // Draining: the task is gone, and what still ends goes by itself.
        if let Err(mpsc::error::SendError((over, verdict))) = self.waiting.send((over, verdict)).await {
            let stored = keep(&self.store, vec![(over, verdict)]).await;
            tell(&self.store, stored).await;
        }
        told.await.unwrap_or_else(|_| Err(StoreError::TimedOut("the settlement").into()))
    }
}

/// Settles what waits, batch after batch, until the process drains; what waits then is still settled.
async fn run(store: Store, mut over: mpsc::Receiver<(Over, oneshot::Sender<Verdict>)>, drain: CancellationToken) {
    let mut telling = JoinSet::new();
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            received = over.recv_many(&mut batch, BATCH) => if received == 0 { break },
            () = drain.cancelled(), if !over.is_closed() => {
                over.close();
                continue;
            }
        }
        let kept = keep(&store, batch).await;
        while telling.len() >= TELLING {
            telling.join_next().await;
        }
        let store = store.clone();
        telling.spawn(async move { tell(&store, kept).await });
    }
    telling.join_all().await;
}

/// A match whose result the database has, and who waits to hear that it is settled.
struct Kept {
    over: Over,
    settled: Settled,
    verdict: oneshot::Sender<Verdict>,
}

impl Kept {
    fn match_id(&self) -> MatchId {
        self.over.settlement.match_id
    }
}

/// Puts results into the database; whose cannot be, hears so.
async fn keep(store: &Store, batch: Vec<(Over, oneshot::Sender<Verdict>)>) -> Vec<Kept> {
    let (over, verdicts): (Vec<Over>, Vec<_>) = batch.into_iter().unzip();
    let settled: Vec<Result<Settled, StoreError>> = match settle_rows(store, &over.iter().collect::<Vec<_>>()).await {
        Ok(settled) => settled.into_iter().map(Ok).collect(),
        Err(error) if over.len() == 1 => vec![Err(error)],
        // One that cannot be stored must not keep the others back: each goes by itself.
        Err(error) => {
            tracing::warn!(
                results = over.len(),
                error = &error as &dyn std::error::Error,
                "results could not be stored together; storing each by itself"
            );
            let mut each = Vec::with_capacity(over.len());
            for over in &over {
                each.push(settle_rows(store, &[over]).await.and_then(|mut settled| settled.pop().ok_or_else(no_row)));
            }
            each
        }
    };
    let mut kept = Vec::with_capacity(over.len());
    for ((over, verdict), settled) in over.into_iter().zip(verdicts).zip(settled) {
        match settled {
            Ok(settled) => kept.push(Kept { over, settled, verdict }),
            Err(error) => say(verdict, Err(error.into())),
        }
    }
    kept
}

/// Settles the rows of all of them, or of none. A match that ends before its maker got to write its row gets one now.
async fn settle_rows(store: &Store, over: &[&Over]) -> Result<Vec<Settled>, StoreError> {
    let settlements: Vec<Settlement> = over.iter().map(|over| over.settlement.clone()).collect();
    let settled = store.matches.settle_many(&settlements).await?;
    let without: Vec<&Over> =
        over.iter().zip(&settled).filter(|(_, settled)| settled.is_none()).map(|(over, _)| *over).collect();
    let mut late = Vec::new();
    if !without.is_empty() {
        let rows: Vec<NewMatch> = without.iter().map(|over| settle::row(&over.record)).collect();
        store.matches.create_many(&rows).await?;
        let settlements: Vec<Settlement> = without.iter().map(|over| over.settlement.clone()).collect();
        late = store.matches.settle_many(&settlements).await?;
    }
    let mut late = late.into_iter();
    settled.into_iter().map(|settled| settled.or_else(|| late.next().flatten()).ok_or_else(no_row)).collect()
}

/// Somebody removes rows while they are settled.
fn no_row() -> StoreError {
    StoreError::TimedOut("the row of a match")
}

/// Tells telemetry, the leaderboards and the players, and lets the logs go.
async fn tell(store: &Store, kept: Vec<Kept>) {
    for Kept { over, settled, .. } in &kept {
        let (created, ended_at) = (&over.record.created, over.settlement.ended_at);
        if !settled.already {
            let took = (ended_at - created.created_at).to_std().unwrap_or_default();
            events::match_ended(created.match_id, &created.queue, &over.settlement.outcome, took);
        }
    }
    let kept = tell_telemetry(store, kept).await;
    let kept = tell_leaderboards(store, kept).await;
    let kept = tell_players(store, kept).await;
    let mut purged = Vec::with_capacity(kept.len());
    for few in kept.chunks(PURGES) {
        purged.extend(join_all(few.iter().map(|kept| store.match_log.purge(kept.match_id()))).await);
    }
    let ids: Vec<MatchId> = kept.iter().map(Kept::match_id).collect();
    if let Err(error) = store.match_owners.remove(&ids).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the owners' list could not be changed; the sweep does it"
        );
    }
    for (kept, purged) in kept.into_iter().zip(purged) {
        say(kept.verdict, purged.map_err(AdoptError::from));
    }
}

/// What telemetry is told must not be lost: a match whose facts it did not take is not settled yet.
async fn tell_telemetry(store: &Store, kept: Vec<Kept>) -> Vec<Kept> {
    let players: Vec<PlayerId> = kept.iter().flat_map(|kept| kept.over.record.created.players).collect();
    let clients = clients_of(store, &players).await;
    let facts: Vec<TelemetryEvent> = kept
        .iter()
        .flat_map(|kept| settle::facts(&kept.over.record, &kept.over.settlement, &kept.settled.subjects, &clients))
        .collect();
    let mut taken = store.telemetry.publish_all(&facts).await.into_iter();
    let mut told = Vec::with_capacity(kept.len());
    for kept in kept {
        let of_match: Vec<_> = taken.by_ref().take(settle::FACTS).collect();
        match of_match.into_iter().collect::<Result<Vec<()>, PublishError>>() {
            Ok(_) => told.push(kept),
            Err(PublishError::Store(error)) => say(kept.verdict, Err(error.into())),
            Err(error @ PublishError::Backpressure) => say(kept.verdict, Err(AdoptError::Telemetry(error))),
        }
    }
    told
}

/// A ranked match that the leaderboards did not take is not settled yet: no standing is lost, and the next try tells it again.
async fn tell_leaderboards(store: &Store, kept: Vec<Kept>) -> Vec<Kept> {
    fn ranked(kept: &Kept) -> bool {
        kept.over.record.created.ranked
    }
    let players: Vec<PlayerId> =
        kept.iter().filter(|kept| ranked(kept)).flat_map(|kept| kept.over.record.created.players).collect();
    let follow = || store.leaderboards.follow(&players);
    let Err(error) = follow.retry(soon()).await else { return kept };
    let (untold, told): (Vec<Kept>, Vec<Kept>) = kept.into_iter().partition(ranked);
    events::leaderboards_not_told(untold.len(), &error);
    for kept in untold {
        say(kept.verdict, Err(StoreError::TimedOut("the leaderboards").into()));
    }
    told
}

/// Players who could not be told have a match that is not settled yet: the next try tells them, though it may be for the second time.
async fn tell_players(store: &Store, kept: Vec<Kept>) -> Vec<Kept> {
    let news: Vec<(PlayerId, Push)> = kept
        .iter()
        .flat_map(|Kept { over, settled, .. }| {
            let push = settle::result(&over.record, &over.settlement, settled);
            over.record.created.players.map(|player| (player, push.clone()))
        })
        .collect();
    let send = || store.pushes.send_many(&news);
    let Err(error) = send.retry(soon()).await else { return kept };
    events::results_not_told(kept.len(), &error);
    for kept in kept {
        say(kept.verdict, Err(StoreError::TimedOut("the players' pushes").into()));
    }
    Vec::new()
}

/// For a connection that was just lost. What does not work then is tried again with the whole settlement.
fn soon() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(4).with_jitter()
}

/// Nobody listens any more when its referee was stopped; the log is there for the next.
fn say(verdict: oneshot::Sender<Verdict>, said: Verdict) {
    let _ = verdict.send(said);
}
