//! What another version of a queue would have done with tickets that were recorded.
//!
//! The recorded arrivals are played to a pool of the queue, tick by tick, as the matchmaker would: who gave up leaves at the moment
//! at which they did, everybody else waits for a match or for the queue's cap. Block lists and recent opponents are not recorded
//! and so not replayed, and neither is acceptance: everybody accepts. That is why a comparison replays both versions, and shows
//! what was recorded beside them.

mod comparison;
mod replay;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{InvalidQueue, PropertyValue, QueueDefinition};
use crate::rating::Rating;
use crate::time::millis;
pub use comparison::{Difference, DryRunComparison, MetricUnit, compare};
pub use summary::{DryRun, QualitySummary, WaitSummary};

/// A ticket that has been, without saying whose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedTicket {
    /// When it came.
    #[serde(with = "millis")]
    pub enqueued_at: DateTime<Utc>,
    /// When its players gave up; none when they did not.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    pub left_at: Option<DateTime<Utc>>,
    /// Its players: at least one.
    pub members: Vec<RecordedMember>,
    /// How far away each region was, in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latencies_ms: BTreeMap<String, u16>,
    /// What it said of itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
    /// What became of it.
    pub outcome: RecordedOutcome,
}

/// A player of a recorded ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedMember {
    /// How strong, at that time.
    pub rating: Rating,
    /// What the player would do, best first; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// What became of a recorded ticket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RecordedOutcome {
    /// Whether it was matched.
    pub matched: bool,
    /// How long it waited for what became of it, in milliseconds.
    pub wait_ms: u64,
    /// How even its match was: 0 to 1; none when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DryRunError {
    /// The queue makes no sense.
    #[error(transparent)]
    InvalidQueue(#[from] InvalidQueue),
    /// The caller wanted no more of it.
    #[error("the dry run was stopped before its end")]
    Stopped,
}

/// Plays recorded tickets, in any order, to a queue whose matchmaker looks at them every `tick` (a millisecond at least). The
/// same tickets, queue and tick have the same result.
///
/// `go_on` is asked before every look at a pool, which is some milliseconds of work with thousands of waiting tickets: a caller
/// whose time is up, or who wants the result no more, answers [`ControlFlow::Break`].
///
/// # Errors
/// When the queue makes no sense, and when `go_on` breaks.
pub fn dry_run(
    definition: &QueueDefinition,
    recorded: &[RecordedTicket],
    tick: Duration,
    go_on: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<DryRun, DryRunError> {
    Ok(DryRun::of(recorded, &replay::replay(definition, recorded, tick, go_on)?))
}
