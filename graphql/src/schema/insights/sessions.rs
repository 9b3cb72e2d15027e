//! Answers about sessions.

use async_graphql::SimpleObject;

use super::asked::Day;

/// What sessions were like.
#[derive(SimpleObject)]
pub struct SessionFacts {
    /// How many there were.
    pub(super) sessions: u64,
    /// From the first event to the last, in milliseconds, on average.
    pub(super) mean_ms: Option<f64>,
    /// Half of them were no longer; quantiles are at most 2.5 % off.
    pub(super) p50_ms: Option<f64>,
    /// 90 of 100 were no longer.
    pub(super) p90_ms: Option<f64>,
    /// 99 of 100 were no longer.
    pub(super) p99_ms: Option<f64>,
    /// Events whose kind ends in `error`, `crash`, `crashed` or `exception`.
    pub(super) errors: u64,
    /// Events whose kind ends in `disconnected` or `connection_lost`.
    pub(super) disconnects: u64,
    /// The share of sessions with an error or more, 0 to 1.
    pub(super) error_rate: f64,
    /// The share of sessions with a lost connection or more, 0 to 1.
    pub(super) disconnect_rate: f64,
}

impl From<muster_store::SessionFacts> for SessionFacts {
    fn from(facts: muster_store::SessionFacts) -> Self {
        Self {
            sessions: facts.sessions,
            mean_ms: facts.mean_ms,
            p50_ms: facts.p50_ms,
            p90_ms: facts.p90_ms,
            p99_ms: facts.p99_ms,
            errors: facts.errors,
            disconnects: facts.disconnects,
            error_rate: facts.error_rate,
            disconnect_rate: facts.disconnect_rate,
        }
    }
}

/// What the sessions of a group were like, all in all and by day.
#[derive(SimpleObject)]
pub struct SessionSeries {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// All in all.
    pub(super) whole: SessionFacts,
    /// By the day they began on; days without any are absent.
    pub(super) days: Vec<SessionDay>,
}

impl From<muster_store::SessionSeries> for SessionSeries {
    fn from(facts: muster_store::SessionSeries) -> Self {
        Self {
            group: facts.group,
            whole: facts.whole.into(),
            days: facts
                .days
                .into_iter()
                .map(|(day, facts)| SessionDay { day: Day(day), facts: facts.into() })
                .collect(),
        }
    }
}

/// Sessions that began on a day.
#[derive(SimpleObject)]
pub struct SessionDay {
    /// The day.
    pub(super) day: Day,
    /// What they were like.
    pub(super) facts: SessionFacts,
}
