//! A scratch with telemetry of some days, and looks at what is left of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::EventId;
use muster_retention::{policy, settings::RetentionSettings, worker::Worker};
use muster_store::{AuditEntry, Chunk, RetentionPolicy, Store, TelemetryEvent, TelemetrySource};
use muster_testkit::Scratch;

/// Telemetry of five, four and one day ago, ten events each, and a policy that keeps two days.
pub async fn scratch() -> Scratch {
    let scratch = Scratch::new().await;
    let now = muster_store::now();
    let days = [5, 4, 1];
    let event = |at: DateTime<Utc>| {
        TelemetryEvent::new(muster_store::fresh_id::<EventId>(), TelemetrySource::Server, "match.started", at, at)
    };
    let events: Vec<_> = days
        .iter()
        .flat_map(|day| (0..10).map(move |n| now - TimeDelta::days(*day) + TimeDelta::milliseconds(n)))
        .map(event)
        .collect();
    assert_eq!(scratch.store.telemetry.write_batch(&events).await.unwrap().new, 30);
    scratch.store.retention.seed_policies(&policy::shipped(now)[..1]).await.unwrap();
    keep(&scratch.store, 2, true).await;
    scratch
}

/// Changes the policy, as of an hour ago.
pub async fn keep(store: &Store, days: u64, enabled: bool) {
    let policy = RetentionPolicy {
        keep: Duration::from_secs(days * 86_400),
        enabled,
        ..policy::shipped(muster_store::now() - TimeDelta::hours(1)).remove(0)
    };
    store.retention.set_policy(&policy, &policy::actor(), "for a test").await.unwrap();
}

pub fn worker(store: &Store, lease: Duration) -> Worker {
    let settings = RetentionSettings { lease, ..RetentionSettings::default() };
    Worker::new(store.clone(), "test".to_owned(), &settings)
}

/// Every chunk there is.
pub async fn chunks(store: &Store) -> Vec<Chunk> {
    let far = muster_store::now() + TimeDelta::days(3_650);
    store.telemetry.drop_chunks_older_than("telemetry.events", far, true).await.unwrap()
}

/// What the audit log says of one kind of act, newest first.
pub async fn audited(store: &Store, action: &str) -> Vec<AuditEntry> {
    let entries = store.audit.list(None, 100).await.unwrap();
    entries.into_iter().filter(|entry| entry.entry.action == action).collect()
}
