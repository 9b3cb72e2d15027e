//! How a queue did: what became of the tickets of a span of time.

use async_graphql::SimpleObject;
use chrono::{DateTime, TimeDelta, Utc};
use muster_store::Store;

use crate::schema::{errors::ApiError, time::Time};

/// The longest span whose facts can be asked for.
const LONGEST: TimeDelta = TimeDelta::days(31);

/// The span that is meant when none is given: the last hour.
const USUAL: TimeDelta = TimeDelta::hours(1);

/// How a queue did in a region: the tickets that ended there, players and tickets apart.
#[derive(SimpleObject)]
pub struct QueueFacts {
    /// Where they were matched, or would have liked to be; null in queues without regions.
    region: Option<String>,
    /// Tickets that ended.
    tickets: u64,
    /// Their players.
    players: u64,
    /// Of the tickets, those that came in the span too; the others were waiting already. Who came and still waits is in `shards`.
    arrived: u64,
    /// Of the tickets, those that got a match.
    matched: u64,
    /// Their matches.
    matches: u64,
    /// The tickets by how and why they ended, the most frequent first.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Endings.of(child_complexity)")]
    endings: Vec<QueueEnding>,
    /// Of the tickets, the share that was cancelled, by their players or by the trusted server that queued them: 0 to 1. `endings`
    /// tells the two apart.
    abandonment_rate: f64,
    /// How long those that got a match had waited; null when none did.
    wait_ms: Option<WaitFacts>,
    /// How even their matches were; null when none got one.
    quality: Option<QualityFacts>,
}

/// A way in which tickets ended.
#[derive(SimpleObject)]
pub struct QueueEnding {
    /// `matched`, `cancelled`, `expired` or `failed`.
    outcome: String,
    /// Why, where the outcome alone does not tell.
    reason: Option<String>,
    /// How many tickets.
    tickets: u64,
}

/// How long tickets waited for their match, in milliseconds.
#[derive(SimpleObject)]
pub struct WaitFacts {
    /// Half of them waited no longer.
    p50: f64,
    /// 95 of 100 waited no longer.
    p95: f64,
    /// 99 of 100 waited no longer.
    p99: f64,
}

/// How even matches were, 0 to 1; a match counts once for each of its tickets.
#[derive(SimpleObject)]
pub struct QualityFacts {
    /// On average.
    mean: f64,
    /// One in ten was worse.
    p10: f64,
}

impl From<muster_store::QueueFacts> for QueueFacts {
    fn from(facts: muster_store::QueueFacts) -> Self {
        let mut endings: Vec<QueueEnding> = facts.by_outcome_reason.into_iter().map(QueueEnding::of).collect();
        endings.sort_by_key(|ending| std::cmp::Reverse(ending.tickets));
        let given_up: u64 =
            endings.iter().filter(|ending| ending.outcome == "cancelled").map(|ending| ending.tickets).sum();
        Self {
            region: facts.region,
            tickets: facts.tickets,
            players: facts.players,
            arrived: facts.arrived,
            matched: facts.matched,
            matches: facts.matches,
            endings,
            abandonment_rate: given_up as f64 / facts.tickets.max(1) as f64,
            wait_ms: facts.wait_ms.map(|wait| WaitFacts { p50: wait.p50, p95: wait.p95, p99: wait.p99 }),
            quality: facts.quality.map(|quality| QualityFacts { mean: quality.mean, p10: quality.p10 }),
        }
    }
}

impl QueueEnding {
    /// From what the store calls it: the outcome, or outcome and reason as in `expired:max_wait`.
    fn of((way, tickets): (String, u64)) -> Self {
        match way.split_once(':') {
            Some((outcome, reason)) => Self { outcome: outcome.to_owned(), reason: Some(reason.to_owned()), tickets },
            None => Self { outcome: way, reason: None, tickets },
        }
    }
}

/// A span of time whose facts may be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FactsSpan {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl FactsSpan {
    pub(super) fn new(from: Option<Time>, to: Option<Time>, now: DateTime<Utc>) -> Result<Self, ApiError> {
        let to = to.map_or(now, |to| to.0);
        let from = from.map_or(to - USUAL, |from| from.0);
        within_span(from, to, LONGEST)?;
        Ok(Self { from, to })
    }

    pub(super) async fn facts_of(&self, store: &Store, queue: &str) -> Result<Vec<QueueFacts>, ApiError> {
        let facts = store.queue_facts.summary(Some(queue), self.from, self.to).await;
        Ok(facts.map_err(ApiError::internal("queue_facts"))?.into_iter().map(QueueFacts::from).collect())
    }
}

/// Refuses spans that are empty, backwards or too long.
pub(super) fn within_span(from: DateTime<Utc>, to: DateTime<Utc>, longest: TimeDelta) -> Result<(), ApiError> {
    let span = to - from;
    if span <= TimeDelta::zero() {
        return Err(ApiError::bad_input("from must be before to"));
    }
    if span > longest {
        return Err(ApiError::bad_input(format!(
            "from and to may be {} days apart at most: choose a shorter span",
            longest.num_days()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_last_hour_unless_told_otherwise() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let hours = |hours: i64| now - TimeDelta::hours(hours);
        let span = |from: Option<i64>, to: Option<i64>| {
            FactsSpan::new(from.map(|from| Time(hours(from))), to.map(|to| Time(hours(to))), now)
        };
        assert_eq!(span(None, None), Ok(FactsSpan { from: hours(1), to: now }));
        assert_eq!(span(None, Some(5)), Ok(FactsSpan { from: hours(6), to: hours(5) }));
        assert_eq!(span(Some(7), None), Ok(FactsSpan { from: hours(7), to: now }));
        assert!(span(Some(31 * 24), None).is_ok());
        assert!(span(Some(31 * 24 + 1), None).is_err());
        assert!(span(Some(5), Some(5)).is_err());
        assert!(span(Some(4), Some(5)).is_err());
    }

    #[test]
    fn endings_are_told_apart() {
        let ending = |way: &str| {
            let ending = QueueEnding::of((way.to_owned(), 3));
            (ending.outcome, ending.reason)
        };
        assert_eq!(ending("matched"), ("matched".to_owned(), None));
        assert_eq!(ending("expired:max_wait"), ("expired".to_owned(), Some("max_wait".to_owned())));
    }
}
