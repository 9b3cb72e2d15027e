//! Two versions of a queue, side by side.

use std::fmt::Write;
use std::ops::ControlFlow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DryRun, DryRunError, RecordedTicket, dry_run};
use crate::matchmaking::QueueDefinition;

/// What became of recorded tickets, and what would have under two versions of a queue.
///
/// `recorded` is what really happened. `before` and `after` are replayed with the same method, so that their difference is the
/// versions' alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct DryRunComparison {
    /// What really became of them.
    pub recorded: DryRun,
    /// What the version before would have done.
    pub before: DryRun,
    /// What the version after would have done.
    pub after: DryRun,
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Difference {
    /// What is compared: `matched`, `wait_p95` and so on.
    pub metric: String,
    /// What it is counted in.
    pub unit: MetricUnit,
    /// What was recorded; none where there is nothing to measure.
    pub recorded: Option<f64>,
    /// Under the version before.
    pub before: Option<f64>,
    /// Under the version after.
    pub after: Option<f64>,
    /// From before to after; none when one of them is.
    pub change: Option<f64>,
}

/// What a metric is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricUnit {
    /// Whole things.
    Count,
    /// 0 to 100.
    Percent,
    /// Milliseconds.
    Milliseconds,
    /// 0 to 1.
    Ratio,
}

/// Plays recorded tickets to two versions of a queue; see [`dry_run`].
///
/// # Errors
/// When one of the two makes no sense, and when `go_on` breaks.
pub fn compare(
    before: &QueueDefinition,
    after: &QueueDefinition,
    recorded: &[RecordedTicket],
    tick: Duration,
    go_on: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<DryRunComparison, DryRunError> {
    Ok(DryRunComparison {
        recorded: DryRun::recorded(recorded),
        before: dry_run(before, recorded, tick, go_on)?,
        after: dry_run(after, recorded, tick, go_on)?,
    })
}

type Measure = fn(&DryRun) -> Option<f64>;

/// Every metric, in the order in which they are told.
const METRICS: [(&str, MetricUnit, Measure); 14] = [
    ("tickets", MetricUnit::Count, |run| Some(run.tickets as f64)),
    ("players", MetricUnit::Count, |run| Some(run.players as f64)),
    ("matched", MetricUnit::Count, |run| Some(run.matched as f64)),
    ("matched_share", MetricUnit::Percent, |run| {
        (run.tickets > 0).then(|| 100.0 * run.matched as f64 / run.tickets as f64)
    }),
    ("unmatched", MetricUnit::Count, |run| Some(run.unmatched as f64)),
    ("cancelled", MetricUnit::Count, |run| Some(run.cancelled as f64)),
    ("refused", MetricUnit::Count, |run| Some(run.refused as f64)),
    ("wait_mean", MetricUnit::Milliseconds, |run| run.wait_ms.map(|wait| wait.mean)),
    ("wait_p50", MetricUnit::Milliseconds, |run| run.wait_ms.map(|wait| wait.p50 as f64)),
    ("wait_p95", MetricUnit::Milliseconds, |run| run.wait_ms.map(|wait| wait.p95 as f64)),
    ("wait_p99", MetricUnit::Milliseconds, |run| run.wait_ms.map(|wait| wait.p99 as f64)),
    ("quality_mean", MetricUnit::Ratio, |run| run.quality.map(|quality| quality.mean)),
    ("quality_p10", MetricUnit::Ratio, |run| run.quality.map(|quality| quality.p10)),
    ("quality_p50", MetricUnit::Ratio, |run| run.quality.map(|quality| quality.p50)),
];

impl DryRunComparison {
    /// Every metric, with what changes from before to after.
    pub fn differences(&self) -> Vec<Difference> {
        let difference = |(metric, unit, measure): (&str, MetricUnit, Measure)| {
            let (before, after) = (measure(&self.before), measure(&self.after));
            Difference {
                metric: metric.to_owned(),
                unit,
                recorded: measure(&self.recorded),
                before,
                after,
                change: before.zip(after).map(|(before, after)| after - before),
            }
        };
        METRICS.map(difference).into()
    }

    /// The same as text: a line for each metric, in columns, for a person to read.
    pub fn table(&self) -> String {
        let heads = ["", "recorded", "before", "after", "change"].map(str::to_owned);
        let row = |line: Difference| {
            let Difference { metric, unit, recorded, before, after, change } = line;
            let plain = |value: Option<f64>| value.map_or("–".to_owned(), |value| unit.write(value));
            let change = match change {
                None => "–".to_owned(),
                Some(change) if unit.write(change.abs()) == unit.write(0.0) => "=".to_owned(),
                Some(change) => format!("{}{}", if change > 0.0 { '+' } else { '−' }, unit.write(change.abs())),
            };
            [metric.replace('_', " "), plain(recorded), plain(before), plain(after), change]
        };
        let rows: Vec<[String; 5]> = [heads].into_iter().chain(self.differences().into_iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let mut table = String::new();
        for [metric, cells @ ..] in &rows {
            let _ = write!(table, "{metric:<width$}", width = width(0));
            for (column, cell) in (1..).zip(cells) {
                let _ = write!(table, "  {cell:>width$}", width = width(column));
            }
            table.push('\n');
        }
        table
    }
}

impl MetricUnit {
    /// A value for a person, without its sign's explanation: `480`, `96.0 %`, `12.3 s`, `0.912`.
    fn write(self, value: f64) -> String {
        match self {
            MetricUnit::Count => format!("{value:.0}"),
            MetricUnit::Percent => format!("{value:.1} %"),
            MetricUnit::Milliseconds => format!("{:.1} s", value / 1000.0),
            MetricUnit::Ratio => format!("{value:.3}"),
        }
    }
}
