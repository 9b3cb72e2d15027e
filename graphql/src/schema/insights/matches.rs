//! Answers about queues and matches.

use async_graphql::SimpleObject;

use crate::schema::time::Time;

/// Tickets that ended, and how.
#[derive(SimpleObject)]
pub struct QueueTimes {
    /// Tickets.
    pub(super) tickets: u64,
    /// Their players.
    pub(super) players: u64,
    /// Tickets that got a match.
    pub(super) matched: u64,
    /// Tickets that were cancelled, by their players or by the trusted server that queued them.
    pub(super) cancelled: u64,
    /// Tickets that waited too long.
    pub(super) expired: u64,
    /// Tickets that ended in any other way.
    pub(super) failed: u64,
    /// The share that was cancelled, 0 to 1.
    pub(super) abandonment_rate: f64,
    /// How long those that got a match had waited, in milliseconds, on average.
    pub(super) mean_wait_ms: Option<f64>,
    /// Half of them waited no longer; quantiles are at most 2.5 % off.
    pub(super) p50_wait_ms: Option<f64>,
    /// 95 of 100 waited no longer.
    pub(super) p95_wait_ms: Option<f64>,
    /// 99 of 100 waited no longer.
    pub(super) p99_wait_ms: Option<f64>,
    /// How even their matches were, on average, 0 to 1.
    pub(super) mean_quality: Option<f64>,
    /// One in ten had a match less even.
    pub(super) p10_quality: Option<f64>,
}

impl From<muster_store::QueueHour> for QueueTimes {
    fn from(facts: muster_store::QueueHour) -> Self {
        Self {
            tickets: facts.tickets,
            players: facts.players,
            matched: facts.matched,
            cancelled: facts.cancelled,
            expired: facts.expired,
            failed: facts.failed,
            abandonment_rate: facts.abandonment,
            mean_wait_ms: facts.mean_wait_ms,
            p50_wait_ms: facts.p50_wait_ms,
            p95_wait_ms: facts.p95_wait_ms,
            p99_wait_ms: facts.p99_wait_ms,
            mean_quality: facts.mean_quality,
            p10_quality: facts.p10_quality,
        }
    }
}

/// How a queue did, all in all and over time.
#[derive(SimpleObject)]
pub struct QueueSeries {
    /// The queue.
    pub(super) queue: String,
    /// The value of what it is told apart by; `(mixed)` where its players had different platforms or builds.
    pub(super) group: Option<String>,
    /// All in all.
    pub(super) whole: QueueTimes,
    /// By the hour or day they ended in; those without any are absent.
    pub(super) points: Vec<QueuePoint>,
}

impl From<muster_store::QueueSeries> for QueueSeries {
    fn from(facts: muster_store::QueueSeries) -> Self {
        Self {
            queue: facts.queue,
            group: facts.group,
            whole: facts.whole.into(),
            points: facts
                .points
                .into_iter()
                .map(|(at, times)| QueuePoint { at: Time(at), times: times.into() })
                .collect(),
        }
    }
}

/// Matches of a mode.
#[derive(SimpleObject)]
pub struct MatchFacts {
    /// The value of what it is told apart by; `(mixed)` where its players had different platforms or builds.
    pub(super) group: Option<String>,
    /// The mode; null for games of somebody's own.
    pub(super) mode: Option<String>,
    /// How many ended.
    pub(super) matches: u64,
    /// By how they ended, the most frequent first.
    pub(super) outcomes: Vec<MatchOutcomeCount>,
    /// How long they took, in milliseconds, on average.
    pub(super) mean_ms: Option<f64>,
    /// Half of them were no longer; quantiles are at most 2.5 % off.
    pub(super) p50_ms: Option<f64>,
    /// 95 of 100 were no longer.
    pub(super) p95_ms: Option<f64>,
    /// Matches that the first seat won.
    pub(super) first_wins: u64,
    /// Matches that the second seat won.
    pub(super) second_wins: u64,
    /// The first seat's share of those that either won.
    pub(super) first_share: Option<f64>,
    /// The first seat's true share is not below this, with 95 % confidence (Wilson).
    pub(super) first_share_low: Option<f64>,
    /// Nor above this: when 0.5 lies outside, it matters who begins.
    pub(super) first_share_high: Option<f64>,
}

impl From<muster_store::MatchFacts> for MatchFacts {
    fn from(facts: muster_store::MatchFacts) -> Self {
        Self {
            group: facts.group,
            mode: facts.mode,
            matches: facts.matches,
            outcomes: facts
                .outcomes
                .into_iter()
                .map(|(outcome, matches)| MatchOutcomeCount { outcome, matches })
                .collect(),
            mean_ms: facts.mean_ms,
            p50_ms: facts.p50_ms,
            p95_ms: facts.p95_ms,
            first_wins: facts.first_wins,
            second_wins: facts.second_wins,
            first_share: facts.first_share,
            first_share_low: facts.first_share_between.map(|between| between.0),
            first_share_high: facts.first_share_between.map(|between| between.1),
        }
    }
}

/// Tickets that ended in an hour or on a day.
#[derive(SimpleObject)]
pub struct QueuePoint {
    /// Its beginning.
    pub(super) at: Time,
    /// What became of them.
    pub(super) times: QueueTimes,
}

/// A way in which matches ended.
#[derive(SimpleObject)]
pub struct MatchOutcomeCount {
    /// As telemetry tells it: `won`, `forfeited`, `resigned`, `abandoned`, or what a registered server said.
    pub(super) outcome: String,
    /// How many.
    pub(super) matches: u64,
}
