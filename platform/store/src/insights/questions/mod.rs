//! The questions, one a file.

mod active;
mod churn;
mod concurrency;
mod funnel;
mod kinds;
mod matches;
mod measures;
mod queues;
mod retention;
mod sessions;

pub use active::ActiveDay;
pub use churn::ChurnPoint;
pub use concurrency::{ConcurrencyPoint, Playing};
pub use funnel::FunnelStep;
pub use kinds::KindCount;
pub use matches::MatchFacts;
pub use measures::{Measure, MeasureDimension, MeasureFacts, MeasureSeries};
pub use queues::{QueueHour, QueueSeries};
pub use retention::Cohort;
pub use sessions::{SessionFacts, SessionSeries};

use chrono::NaiveDate;

use super::range::Days;

/// How long the steps of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day of UTC.
    Day,
}

/// The most days that are told by the hour, where each has much to tell.
const MAX_DAYS_BY_HOUR: usize = 14;

/// The number of any event in `insights.kinds`.
const ANY: i32 = 0;

/// Which day of the range it is, from 1; 0 says "none" in tables by player.
fn number_of(day: NaiveDate, days: Days) -> u16 {
    u16::try_from((day - days.from()).num_days() + 1).unwrap_or_default()
}

/// A place for each player of these sets.
fn by_player<'a, T: Clone>(players: impl Iterator<Item = &'a [u32]>, value: T) -> Vec<T> {
    let most = players.flatten().max().map_or(0, |most| *most as usize + 1);
    vec![value; most]
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
