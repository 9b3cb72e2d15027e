//! Policies: what the platform lets go after a time, and how.
//!
//! A policy is a row in the store; the ones here are what a fresh installation begins with.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use humantime_serde::re::humantime;
use muster_store::{Actor, AuditOutcome, DropError, NewAudit, RetentionPolicy, Store, StoreError};
use serde_json::{Value, json};

use crate::{
    job::{InvalidJob, Job},
    report::Report,
};

/// Drops chunks of telemetry events.
pub const TELEMETRY_EVENTS: &str = "telemetry-events";

/// Lets go the telemetry events of types whose retention is `short`.
pub const TELEMETRY_SHORT_EVENTS: &str = "telemetry-short-events";

/// Drops chunks of the events of types whose retention is `long`, which are kept apart when the rest of their day goes.
pub const TELEMETRY_LONG_EVENTS: &str = "telemetry-long-events";

/// Drops chunks of the quarantine: anybody can send what nobody has defined, so it has to have an end.
pub const TELEMETRY_QUARANTINE: &str = "telemetry-quarantine";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The shortest time that a policy may keep: a chunk holds a day.
pub const SHORTEST_KEEP: Duration = DAY;

/// The longest time that a policy may keep: ten years.
pub const LONGEST_KEEP: Duration = Duration::from_secs(3_653 * 24 * 3600);

/// What a fresh installation begins with: telemetry events are kept for 90 days, and those of unknown kinds in quarantine as long; those
/// whose type says `short` for 14, and those whose type says `long` for 400. The others are for whoever enables them.
pub fn shipped(now: DateTime<Utc>) -> Vec<RetentionPolicy> {
    let policies = [
        (TELEMETRY_EVENTS, "telemetry.events", 90, true),
        (TELEMETRY_SHORT_EVENTS, "telemetry.events:short", 14, true),
        (TELEMETRY_LONG_EVENTS, "telemetry.long_events", 400, true),
        (TELEMETRY_QUARANTINE, "telemetry.quarantine", 90, true),
        ("telemetry-session-sequences", "telemetry.session_sequences", 90, false),
        ("insights-sessions", "insights.sessions", 400, false),
        ("insights-matches", "insights.matches", 400, false),
        ("insights-queue-facts", "insights.queue_facts", 800, false),
        ("insights-queue-slices", "insights.queue_slices", 400, false),
        ("insights-samples", "insights.samples", 400, false),
    ];
    let policy = |(name, table, days, enabled): (&str, &str, u32, bool)| RetentionPolicy {
        name: name.to_owned(),
        table: table.to_owned(),
        keep: DAY * days,
        enabled,
        updated_at: now,
    };
    policies.map(policy).into()
}

/// What lies wholly before this is not kept.
pub fn cutoff(policy: &RetentionPolicy, now: DateTime<Utc>) -> DateTime<Utc> {
    let keep = TimeDelta::from_std(policy.keep.clamp(SHORTEST_KEEP, LONGEST_KEEP)).unwrap_or(TimeDelta::days(3_653));
    now - keep
}

/// How long a policy keeps, as people write it and `set` reads it: `90d`, or `1d 12h`.
pub fn keep_as_text(keep: Duration) -> String {
    let days = keep.as_secs() / DAY.as_secs();
    let rest = Duration::from_secs(keep.as_secs() % DAY.as_secs());
    match (days, rest.is_zero()) {
        (0, _) => humantime::format_duration(rest).to_string(),
        (days, true) => format!("{days}d"),
        (days, false) => format!("{days}d {}", humantime::format_duration(rest)),
    }
}

/// Why a policy was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// There is no policy of this name.
    #[error("there is no policy {0}")]
    UnknownPolicy(String),
    /// The policy is switched off.
    #[error("the policy {0} is disabled: enable it with `muster-retention set`, or look with --dry-run")]
    Disabled(String),
    /// The job itself is not understood.
    #[error(transparent)]
    Job(#[from] InvalidJob),
    /// Its chunks could not be dropped or listed.
    #[error("the chunks could not be dropped: {0}")]
    Drop(#[from] DropError),
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(#[from] StoreError),
}

/// Does a job: lists or drops chunks, and writes what happened to the audit log. What is about to go is written there
/// before it goes, so that a process that dies half way leaves no silent gap.
///
/// # Errors
/// See [`ApplyError`]; doing it again is harmless.
pub async fn apply(store: &Store, job: &Job, now: DateTime<Utc>) -> Result<Report, ApplyError> {
    let name = job.policy();
    let policy = store.retention.policy(name).await?.ok_or_else(|| ApplyError::UnknownPolicy(name.to_owned()))?;
    if !policy.enabled && !job.dry_run() {
        return Err(ApplyError::Disabled(policy.name));
    }
    let cutoff = cutoff(&policy, now);
    let listed = store.telemetry.drop_chunks_older_than(&policy.table, cutoff, true).await?;
    let preview = Report::new(&policy, true, cutoff, listed);
    if job.dry_run() {
        record(store, "retention.preview", name, AuditOutcome::Succeeded, details(&preview)).await?;
        return Ok(preview);
    }
    if !preview.chunks.is_empty() {
        record(store, "retention.begin", name, AuditOutcome::Succeeded, details(&preview)).await?;
    }
    let dropped = store.telemetry.drop_chunks_older_than(&policy.table, cutoff, false).await?;
    let report = Report::new(&policy, false, cutoff, dropped);
    record(store, "retention.apply", name, AuditOutcome::Succeeded, details(&report)).await?;
    Ok(report)
}

/// Writes a failed attempt to the audit log.
///
/// # Errors
/// The store does not answer.
pub async fn record_failure(store: &Store, job: Option<&Job>, error: &ApplyError) -> Result<(), StoreError> {
    let policy = job.map_or("unknown", Job::policy);
    let action = if job.is_some_and(Job::dry_run) { "retention.preview" } else { "retention.apply" };
    record(store, action, policy, AuditOutcome::Failed, json!({ "error": error.to_string() })).await
}

/// Who does it, for the audit log.
pub fn actor() -> Actor {
    Actor::System("muster-retention".to_owned())
}

async fn record(
    store: &Store,
    action: &str,
    policy: &str,
    outcome: AuditOutcome,
    details: Value,
) -> Result<(), StoreError> {
    let entry = NewAudit {
        actor: actor(),
        action: action.to_owned(),
        target: Some(policy.to_owned()),
        reason: None,
        outcome,
        details,
    };
    store.audit.append(&entry, muster_store::now()).await.map(|_| ())
}

fn details(report: &Report) -> Value {
    serde_json::to_value(report).unwrap_or_else(|error| json!({ "unreadable": error.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cutoff_lies_as_far_back_as_the_policy_keeps() {
        let now: DateTime<Utc> = "2026-04-01T12:00:00Z".parse().unwrap();
        let mut policy = shipped(now).remove(0);
        assert_eq!(cutoff(&policy, now), "2026-01-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        policy.keep = Duration::ZERO;
        assert_eq!(cutoff(&policy, now), now - TimeDelta::days(1), "a day is kept whatever the row says");
    }

    #[test]
    fn whatever_may_be_dropped_has_a_policy_and_nothing_else_has() {
        let mut tables: Vec<String> = shipped(Utc::now()).into_iter().map(|policy| policy.table).collect();
        let mut droppable = muster_store::DROPPABLE_TABLES.map(str::to_owned);
        tables.sort();
        droppable.sort();
        assert_eq!(tables, droppable);
    }

    #[test]
    fn what_anybody_can_fill_has_an_end_as_shipped() {
        let ends = |table: &str| shipped(Utc::now()).iter().any(|policy| policy.enabled && policy.table == table);
        assert!(ends("telemetry.quarantine") && ends("telemetry.events"));
    }

    #[test]
    fn the_time_kept_is_told_in_days() {
        let hours = |hours: u64| keep_as_text(Duration::from_secs(hours * 3600));
        assert_eq!([hours(90 * 24), hours(36), hours(5)], ["90d", "1d 12h", "5h"]);
        assert_eq!(humantime::parse_duration("1d 12h"), Ok(Duration::from_secs(36 * 3600)));
    }
}
