//! Planning and working: once per scheduled time, by one worker, again after a failure or a death.

use std::time::Duration;

use muster_retention::{
    job::{self, APPLY, PREVIEW},
    planner::Planner,
    policy::TELEMETRY_EVENTS,
    report::Report,
    settings::RetentionSettings,
};
use muster_store::{AuditOutcome, Enqueued, JobState, Store};
use muster_testkit::eventually;

use crate::support::{audited, chunks, scratch, worker};

const LEASE: Duration = Duration::from_secs(30);

/// Due every minute; the policy was changed an hour ago.
fn planner(store: &Store) -> Planner {
    let settings = RetentionSettings { schedule: "0 * * * * *".to_owned(), ..RetentionSettings::default() };
    Planner::new(store.clone(), &settings).unwrap()
}

#[tokio::test]
async fn a_due_policy_becomes_one_job_however_many_plan() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let now = muster_store::now();
    let other = scratch.reconnect().await;
    let (one, two) = tokio::join!(async { planner(store).plan(now).await.unwrap() }, async {
        planner(&other).plan(now).await.unwrap()
    });
    assert_eq!(one + two, 1);

    let id = worker(store, LEASE).step(&[APPLY]).await.unwrap().expect("the job is due");
    let done = store.retention.job(id).await.unwrap().unwrap();
    assert_eq!(done.state, JobState::Done);
    let report: Report = serde_json::from_value(done.result.unwrap()).unwrap();
    assert_eq!(report.chunks.len(), 2);
    assert_eq!(chunks(store).await.len(), 1);

    assert_eq!(planner(store).plan(now).await.unwrap(), 0, "the same time was planned again");
    assert_eq!(planner(store).plan(now + chrono::TimeDelta::minutes(1)).await.unwrap(), 1);
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_is_done_by_one_worker() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let now = muster_store::now();
    let job = job::asked_for(TELEMETRY_EVENTS, false, now);
    assert!(matches!(store.retention.enqueue(&job, now).await.unwrap(), Enqueued::Added(_)));
    assert!(matches!(store.retention.enqueue(&job, now).await.unwrap(), Enqueued::Duplicate(_)));

    let workers = [worker(store, LEASE), worker(&scratch.reconnect().await, LEASE), worker(store, LEASE)];
    let steps = workers.iter().map(|worker| worker.step(&[APPLY, PREVIEW]));
    let steps = futures::future::join_all(steps).await;
    assert_eq!(steps.into_iter().filter(|step| step.as_ref().unwrap().is_some()).count(), 1);
    assert_eq!(audited(store, "retention.apply").await.len(), 1);
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_is_on_record() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let now = muster_store::now();
    let Enqueued::Added(id) = store.retention.enqueue(&job::planned("coffee", now), now).await.unwrap() else {
        panic!("the job is new");
    };
    let worker = worker(store, LEASE);
    assert_eq!(worker.step(&[APPLY]).await.unwrap(), Some(id));
    let failed = store.retention.job(id).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.attempts), (JobState::Queued, 1));
    assert!(failed.last_error.unwrap().contains("no policy coffee"));
    assert!(failed.run_at > now, "it is tried again at once");
    assert_eq!(worker.step(&[APPLY]).await.unwrap(), None);

    let entries = audited(store, "retention.apply").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].entry.outcome, AuditOutcome::Failed);
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_of_a_dead_worker_is_taken_again() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let now = muster_store::now();
    store.retention.enqueue(&job::planned(TELEMETRY_EVENTS, now), now).await.unwrap();
    let dead = store.retention.take(&[APPLY], "dead", Duration::from_secs(1), now).await.unwrap().unwrap();

    let worker = worker(store, LEASE);
    assert_eq!(worker.step(&[APPLY]).await.unwrap(), None, "its lease still runs");
    let id =
        eventually(Duration::from_secs(5), "the lease to run out", async || worker.step(&[APPLY]).await.unwrap()).await;
    assert_eq!(id, dead.job_id);
    let job = store.retention.job(id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Done, 2));
    scratch.finish().await;
}
