//! Dry runs: what another version of a queue would have done with the tickets of a span of time.

use async_graphql::{Context, Enum, Json, Object, SimpleObject};
use chrono::TimeDelta;
use muster_core::matchmaking as core;
use muster_store::Store;
use serde_json::Value;

use super::{edit::read_definition, facts::within_span, newest_of};
use crate::{
    auth::{Needs, Permission},
    dry_run::DryRuns,
    schema::{errors::ApiError, of_schema, time::Time},
};

/// The longest span whose tickets are replayed.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// The most tickets that are replayed.
const MAX_TICKETS: u32 = 50_000;

/// What became of recorded tickets, and what would have under two versions of a queue. `before` and `after` are replayed with
/// the same method, so that their difference is the versions' alone. Block lists, recent opponents and acceptance are not
/// replayed, which is why `before` may differ from `recorded`.
#[derive(SimpleObject)]
pub struct DryRun {
    /// The version that `before` is.
    version: u32,
    /// How many tickets were replayed.
    tickets: u64,
    /// How many tickets ended in the span.
    found: u64,
    /// Whether more than 50,000 did: then the 50,000 that ended last were looked at. Choose an earlier or shorter span to look
    /// at the others.
    cut: bool,
    /// How many of those looked at were not replayed, because another version of the platform recorded them.
    unreadable: u64,
    /// When the last of the replayed tickets came; null when there were none.
    last_at: Option<Time>,
    /// What really became of them.
    recorded: DryRunSummary,
    /// What the newest version would have done.
    before: DryRunSummary,
    /// What the given definition would have done.
    after: DryRunSummary,
    /// Every metric, with what changes from `before` to `after`.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Metrics.of(child_complexity)")]
    differences: Vec<DryRunDifference>,
    /// The same as text, in columns, a line for each metric.
    table: String,
}

/// What became of many tickets. Each is matched, unmatched, cancelled or refused.
#[derive(SimpleObject)]
pub struct DryRunSummary {
    /// How many tickets.
    tickets: u64,
    /// How many players they had.
    players: u64,
    /// Tickets that matched.
    matched: u64,
    /// Tickets that waited until the queue's cap, or for whom nobody was left.
    unmatched: u64,
    /// Tickets whose players gave up before they matched.
    cancelled: u64,
    /// Tickets that the queue does not take: a party that is too large, an unknown role, region or property.
    refused: u64,
    /// How long the matched tickets waited; null when none matched.
    wait_ms: Option<DryRunWait>,
    /// How even the matches of the matched tickets are; null when none matched.
    quality: Option<DryRunQuality>,
}

/// How long tickets waited, in milliseconds.
#[derive(SimpleObject)]
pub struct DryRunWait {
    /// The mean.
    mean: f64,
    /// Half of the tickets waited no longer.
    p50: u64,
    /// 95 of 100 waited no longer.
    p95: u64,
    /// 99 of 100 waited no longer.
    p99: u64,
}

/// How even matches are, from 0 to 1; a match counts once for each of its tickets.
#[derive(SimpleObject)]
pub struct DryRunQuality {
    /// The mean.
    mean: f64,
    /// One in ten is no better.
    p10: f64,
    /// Half are no better.
    p50: f64,
}

/// One metric of a comparison.
#[derive(SimpleObject)]
pub struct DryRunDifference {
    /// What is compared: `matched`, `wait_p95` and so on.
    metric: String,
    /// What it is counted in.
    unit: MetricUnit,
    /// What was recorded; null where there is nothing to measure.
    recorded: Option<f64>,
    /// Under the newest version.
    before: Option<f64>,
    /// Under the given definition.
    after: Option<f64>,
    /// From before to after; null when one of them is.
    change: Option<f64>,
}

/// What a metric is counted in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "core::MetricUnit")]
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

impl From<core::DryRun> for DryRunSummary {
    fn from(run: core::DryRun) -> Self {
        let wait =
            |wait: core::WaitSummary| DryRunWait { mean: wait.mean, p50: wait.p50, p95: wait.p95, p99: wait.p99 };
        let quality =
            |quality: core::QualitySummary| DryRunQuality { mean: quality.mean, p10: quality.p10, p50: quality.p50 };
        Self {
            tickets: run.tickets,
            players: run.players,
            matched: run.matched,
            unmatched: run.unmatched,
            cancelled: run.cancelled,
            refused: run.refused,
            wait_ms: run.wait_ms.map(wait),
            quality: run.quality.map(quality),
        }
    }
}

impl From<core::Difference> for DryRunDifference {
    fn from(difference: core::Difference) -> Self {
        Self {
            metric: difference.metric,
            unit: difference.unit.into(),
            recorded: difference.recorded,
            before: difference.before,
            after: difference.after,
            change: difference.change,
        }
    }
}

/// Queries that replay the past.
#[derive(Default)]
pub struct DryRunQuery;

#[Object]
impl DryRunQuery {
    /// What another version of a queue would have done with the tickets that ended from a moment until before another, 7 days
    /// at most: nothing is changed. An operation may have one. Refused with `invalid_field` (`extensions.errors` has each
    /// field's path and what is allowed there), `not_found`, `busy` while others' dry runs are under way, or `took_too_long`.
    #[graphql(
        guard = "Needs(Permission::DryRunQueues)",
        complexity = "crate::schema::cost::DRY_RUN + child_complexity"
    )]
    async fn dry_run(
        &self,
        context: &Context<'_>,
        queue: String,
        definition: Json<Value>,
        from: Time,
        to: Time,
    ) -> Result<DryRun, ApiError> {
        let after = read_definition(definition.0, Some(&queue))?;
        within_span(from.0, to.0, LONGEST)?;
        let store = of_schema::<Store>(context)?;
        let before = newest_of(store, &queue).await?;
        let version = before.version;

        let span = store.queue_facts.recorded(&queue, from.0, to.0, MAX_TICKETS).await;
        let span = span.map_err(ApiError::internal("recorded_tickets"))?;
        let (found, cut, unreadable) = (span.found, span.is_cut(), span.unreadable);
        let last_at = span.tickets.last().map(|ticket| Time(ticket.enqueued_at));

        let compared = of_schema::<DryRuns>(context)?.compare(before, after, span.tickets).await?;
        Ok(DryRun {
            version,
            tickets: compared.recorded.tickets,
            found,
            cut,
            unreadable,
            last_at,
            differences: compared.differences().into_iter().map(DryRunDifference::from).collect(),
            table: compared.table(),
            recorded: compared.recorded.into(),
            before: compared.before.into(),
            after: compared.after.into(),
        })
    }
}
