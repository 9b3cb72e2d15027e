//! Dry runs: recorded tickets replayed under the rules of a queue as they are, and as they might be.
//!
//! A replay is plain computing, of seconds. It has a thread of its own rather than one of the runtime's: a thread that is still
//! at work does not keep the process from ending. One replay runs at a time; who comes meanwhile waits for a turn. A replay that
//! nobody waits for any more, because its time is up or its caller is gone, stops before its next look at a pool.

use std::{ops::ControlFlow, sync::Arc, thread, time::Duration};

use muster_core::matchmaking::{DryRunComparison, DryRunError, QueueDefinition, RecordedTicket, compare_dry_runs};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    events::{self, DryRunOutcome},
    schema::ApiError,
};

/// How long a dry run may take, its wait for a turn included: less than any operation may.
const TIME: Duration = Duration::from_secs(12);

/// How often a matchmaker looks at its pool, unless its settings say otherwise.
const TICK: Duration = Duration::from_millis(100);

/// Makes dry runs, one at a time. Cheap to clone.
#[derive(Clone)]
pub struct DryRuns {
    turns: Arc<Semaphore>,
    time: Duration,
}

impl DryRuns {
    /// No dry run yet.
    pub fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(1)), time: TIME }
    }

    /// Replays the tickets under both versions of a queue.
    ///
    /// # Errors
    /// `invalid_field` when a version makes no sense, `busy` when it does not get a turn, `took_too_long`.
    pub async fn compare(
        &self,
        before: QueueDefinition,
        after: QueueDefinition,
        recorded: Vec<RecordedTicket>,
    ) -> Result<DryRunComparison, ApiError> {
        let (begun, tickets) = (Instant::now(), recorded.len());
        let result = self.replay(before, after, recorded).await;
        let outcome = match &result {
            Ok(_) => DryRunOutcome::Done,
            Err(ApiError::Busy) => DryRunOutcome::Busy,
            Err(ApiError::TookTooLong { .. }) => DryRunOutcome::TookTooLong,
            Err(_) => DryRunOutcome::Failed,
        };
        events::dry_run_ended(outcome, tickets, begun.elapsed());
        result
    }

    async fn replay(
        &self,
        before: QueueDefinition,
        after: QueueDefinition,
        recorded: Vec<RecordedTicket>,
    ) -> Result<DryRunComparison, ApiError> {
        let deadline = Instant::now() + self.time;
        let Ok(Ok(turn)) = timeout_at(deadline, self.turns.clone().acquire_owned()).await else {
            return Err(ApiError::Busy);
        };
        let (teller, told) = oneshot::channel();
        let work = move || {
            let mut go_on = || if teller.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            let compared = compare_dry_runs(&before, &after, &recorded, TICK, &mut go_on);
            // The turn ends with the work, not with whoever waits for it, and before they are told: they may want the next.
            drop(turn);
            // Nobody waits any more: then nobody wants to know.
            let _ = teller.send(compared);
        };
        let thread = thread::Builder::new().name("dry-run".to_owned()).spawn(work);
        thread.map_err(ApiError::internal("start_dry_run"))?;
        match timeout_at(deadline, told).await {
            Ok(Ok(Ok(compared))) => Ok(compared),
            Ok(Ok(Err(DryRunError::InvalidQueue(invalid)))) => Err(invalid.into()),
            Ok(Err(panicked)) => Err(ApiError::internal("dry_run")(panicked)),
            // Nobody listens to the work from here on, which is what stops it.
            Ok(Ok(Err(DryRunError::Stopped))) | Err(_) => Err(ApiError::TookTooLong { seconds: self.time.as_secs() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta};
    use muster_core::{
        matchmaking::{RatingWindow, RecordedMember, RecordedOutcome, shipped_queues},
        rating::Rating,
    };

    use tokio::time::timeout;

    use super::*;

    fn tickets(count: i64) -> Vec<RecordedTicket> {
        let ticket = |n: i64| RecordedTicket {
            enqueued_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(n),
            left_at: None,
            members: vec![RecordedMember { rating: Rating::default(), roles: Vec::new() }],
            latencies_ms: BTreeMap::new(),
            properties: BTreeMap::new(),
            outcome: RecordedOutcome { matched: true, wait_ms: 1_000, quality: Some(0.5) },
        };
        (0..count).map(ticket).collect()
    }

    fn queue() -> QueueDefinition {
        shipped_queues().remove(0)
    }

    #[tokio::test]
    async fn both_versions_replay_the_same_tickets() {
        let compared = DryRuns::new().compare(queue(), queue(), tickets(10)).await.expect("it is little work");
        assert_eq!((compared.recorded.matched, compared.before.tickets), (10, 10));
        assert_eq!(compared.before, compared.after);
    }

    #[tokio::test]
    async fn rules_without_sense_are_refused() {
        let nonsense = QueueDefinition { version: 0, ..queue() };
        let refused = DryRuns::new().compare(queue(), nonsense, tickets(1)).await.expect_err("it has no version");
        assert_eq!(refused.code(), "invalid_field");
    }

    #[tokio::test]
    async fn who_gets_no_turn_in_time_is_told_so() {
        let runs = DryRuns { time: Duration::from_millis(20), ..DryRuns::new() };
        let turn = runs.turns.clone().acquire_owned().await.expect("the semaphore is never closed");
        assert_eq!(runs.compare(queue(), queue(), tickets(1)).await, Err(ApiError::Busy));
        drop(turn);
        assert!(DryRuns { time: TIME, ..runs }.compare(queue(), queue(), tickets(1)).await.is_ok());
    }

    /// More than a minute of work: nobody of them fits another, nobody leaves, and each arrival is a look at all who wait.
    fn endless() -> (QueueDefinition, Vec<RecordedTicket>) {
        let mut queue = queue();
        queue.max_wait_secs = None;
        queue.rating_window = RatingWindow { start: Some(100), steps: Vec::new() };
        let mut tickets = tickets(50_000);
        for (n, ticket) in tickets.iter_mut().enumerate() {
            ticket.members[0].rating.points = n as f64 * 1_000.0;
        }
        (queue, tickets)
    }

    /// Somebody else gets a turn, long before the work of [`endless`] would be done.
    async fn the_turn_is_free(runs: &DryRuns) {
        let turn = timeout(Duration::from_secs(10), runs.turns.acquire()).await;
        drop(turn.expect("the work is still going on").expect("the semaphore is never closed"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_stopped() {
        let runs = DryRuns { time: Duration::from_millis(200), ..DryRuns::new() };
        let (queue, tickets) = endless();
        let refused = runs.compare(queue.clone(), queue, tickets).await;
        assert_eq!(refused, Err(ApiError::TookTooLong { seconds: 0 }));
        the_turn_is_free(&runs).await;
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_stopped() {
        let runs = DryRuns::new();
        let (queue, tickets) = endless();
        let gone = timeout(Duration::from_millis(200), runs.compare(queue.clone(), queue, tickets)).await;
        assert!(gone.is_err());
        the_turn_is_free(&runs).await;
    }
}
