//! Applying `telemetry-events`: what goes, what stays, what is on record.

use chrono::TimeDelta;
use muster_retention::{
    job::{Job, Payload},
    policy::{self, ApplyError, TELEMETRY_EVENTS},
    report::Report,
};
use muster_store::AuditOutcome;

use crate::support::{audited, chunks, keep, scratch};

fn payload(policy: &str) -> Payload {
    Payload { policy: policy.to_owned(), scheduled_for: None }
}

#[tokio::test]
async fn a_preview_tells_what_would_go_and_drops_nothing() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let now = muster_store::now();
    let report = policy::apply(store, &Job::Preview(payload(TELEMETRY_EVENTS)), now).await.unwrap();
    assert!(report.dry_run);
    assert_eq!(report.table, "telemetry.events");
    assert_eq!(report.cutoff, now - TimeDelta::days(2));
    assert_eq!(report.chunks.len(), 2);
    for chunk in &report.chunks {
        assert!(chunk.range_end <= report.cutoff);
        assert_eq!(chunk.range_end - chunk.range_start, TimeDelta::days(1));
        assert!(chunk.bytes > 0 && !chunk.name.is_empty());
    }
    assert!(report.chunks[0].range_start < report.chunks[1].range_start);

    assert_eq!(chunks(store).await.len(), 3, "a preview dropped something");
    assert_eq!(audited(store, "retention.preview").await.len(), 1);
    assert!(audited(store, "retention.apply").await.is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn applying_drops_what_the_preview_told_and_is_harmless_again() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let preview = policy::apply(store, &Job::Preview(payload(TELEMETRY_EVENTS)), muster_store::now()).await.unwrap();
    let stored = store.live.snapshot(muster_store::now()).await.unwrap().events_stored;

    let apply = Job::Apply(payload(TELEMETRY_EVENTS));
    let report = policy::apply(store, &apply, muster_store::now()).await.unwrap();
    assert!(!report.dry_run);
    let ranges =
        |report: &Report| report.chunks.iter().map(|chunk| (chunk.name.clone(), chunk.range_start)).collect::<Vec<_>>();
    assert_eq!(ranges(&report), ranges(&preview));
    assert_eq!(chunks(store).await.len(), 1);
    // Rollups outlive what they count.
    assert_eq!(store.live.snapshot(muster_store::now()).await.unwrap().events_stored, stored);

    let again = policy::apply(store, &apply, muster_store::now()).await.unwrap();
    assert!(again.chunks.is_empty());
    assert_eq!(chunks(store).await.len(), 1);

    assert_eq!(audited(store, "retention.begin").await.len(), 1, "only what drops something is announced");
    let applied = audited(store, "retention.apply").await;
    assert_eq!(applied.len(), 2);
    let first = &applied[1].entry;
    assert_eq!(first.outcome, AuditOutcome::Succeeded);
    assert_eq!(first.target.as_deref(), Some(TELEMETRY_EVENTS));
    assert_eq!(first.details["chunks"].as_array().unwrap().len(), 2);
    scratch.finish().await;
}

#[tokio::test]
async fn a_disabled_policy_can_be_previewed_but_not_applied() {
    let scratch = scratch().await;
    let store = &scratch.store;
    keep(store, 2, false).await;
    let preview = policy::apply(store, &Job::Preview(payload(TELEMETRY_EVENTS)), muster_store::now()).await.unwrap();
    assert_eq!(preview.chunks.len(), 2);
    let refused = policy::apply(store, &Job::Apply(payload(TELEMETRY_EVENTS)), muster_store::now()).await;
    assert!(matches!(refused, Err(ApplyError::Disabled(_))), "{refused:?}");
    assert_eq!(chunks(store).await.len(), 3);
    scratch.finish().await;
}

#[tokio::test]
async fn an_unknown_policy_is_told() {
    let scratch = scratch().await;
    let unknown = policy::apply(&scratch.store, &Job::Apply(payload("coffee")), muster_store::now()).await;
    assert!(matches!(unknown, Err(ApplyError::UnknownPolicy(_))), "{unknown:?}");
    scratch.finish().await;
}
