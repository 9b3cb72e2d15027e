//! Answers about the numbers that events carry.

use async_graphql::{Enum, SimpleObject};

use crate::schema::time::Time;

/// What measures are told apart by. Their sums know no region, platform or build.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum MeasureDimension {
    /// Who saw the events: `client`, `server` or `trusted`.
    Source,
    /// The season; 12 of them at most. Days of none are left out.
    Season,
}

impl From<MeasureDimension> for muster_store::MeasureDimension {
    fn from(asked: MeasureDimension) -> Self {
        match asked {
            MeasureDimension::Source => Self::Source,
            MeasureDimension::Season => Self::Season,
        }
    }
}

/// The numbers of an hour or a day, or all of them.
#[derive(SimpleObject)]
pub struct MeasureFacts {
    /// How many numbers there were. Events without the property, or with something else in it, have none.
    pub(super) samples: u64,
    /// All of them together, in the measure's own unit.
    pub(super) sum: f64,
    /// On average.
    pub(super) mean: Option<f64>,
    /// The least.
    pub(super) min: Option<f64>,
    /// The greatest.
    pub(super) max: Option<f64>,
    /// Half of them were no greater; quantiles are at most 1 % off, and 0.001 where they are closer to zero than that.
    pub(super) p50: Option<f64>,
    /// 95 of 100 were no greater.
    pub(super) p95: Option<f64>,
    /// 99 of 100 were no greater.
    pub(super) p99: Option<f64>,
}

impl From<muster_store::MeasureFacts> for MeasureFacts {
    fn from(facts: muster_store::MeasureFacts) -> Self {
        Self {
            samples: facts.samples,
            sum: facts.sum,
            mean: facts.mean,
            min: facts.min,
            max: facts.max,
            p50: facts.p50,
            p95: facts.p95,
            p99: facts.p99,
        }
    }
}

/// The numbers of a measure, all in all and over time.
#[derive(SimpleObject)]
pub struct MeasureSeries {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// All in all.
    pub(super) whole: MeasureFacts,
    /// By the hour or day of the events; those without any are absent.
    pub(super) points: Vec<MeasurePoint>,
}

impl From<muster_store::MeasureSeries> for MeasureSeries {
    fn from(facts: muster_store::MeasureSeries) -> Self {
        Self {
            group: facts.group,
            whole: facts.whole.into(),
            points: facts
                .points
                .into_iter()
                .map(|(at, facts)| MeasurePoint { at: Time(at), facts: facts.into() })
                .collect(),
        }
    }
}

/// The numbers of an hour or a day.
#[derive(SimpleObject)]
pub struct MeasurePoint {
    /// Its beginning.
    pub(super) at: Time,
    /// What they were like.
    pub(super) facts: MeasureFacts,
}
