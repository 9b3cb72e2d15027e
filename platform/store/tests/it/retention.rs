use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use muster_store::{Actor, Enqueued, JobError, JobFailure, JobState, NewJob, RetentionPolicy, Store, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::json;

const KINDS: &[&str] = &["drop_chunks"];
const LEASE: Duration = Duration::from_secs(60);

fn job(dedup_key: Option<&str>) -> NewJob {
    NewJob {
        kind: "drop_chunks".to_owned(),
        dedup_key: dedup_key.map(str::to_owned),
        payload: json!({"table": "telemetry.events"}),
        run_at: now(),
        max_attempts: 2,
    }
}

async fn added(store: &Store, new: &NewJob) -> muster_core::id::JobId {
    match store.retention.enqueue(new, now()).await.unwrap() {
        Enqueued::Added(id) => id,
        Enqueued::Duplicate(id) => panic!("{id} is there already"),
    }
}

#[tokio::test]
async fn many_workers_at_once_share_the_jobs_and_none_gets_one_twice() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let stores = [&scratch.store, &other];
    for _ in 0..10 {
        added(&scratch.store, &job(None)).await;
    }
    let soon = now() + TimeDelta::seconds(1);
    let taken = join_all((0..16).map(|n| stores[n % 2].retention.take(KINDS, "worker", LEASE, soon))).await;
    // A worker that looks while all due jobs are being looked at by others finds none; it looks again.
    let mut taken: Vec<_> = taken.into_iter().filter_map(Result::unwrap).map(|job| job.job_id).collect();
    while let Some(job) = other.retention.take(KINDS, "worker", LEASE, soon).await.unwrap() {
        taken.push(job.job_id);
    }
    assert_eq!(taken.len(), 10);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), 10);
    scratch.finish().await;
}

#[tokio::test]
async fn a_locked_job_is_skipped_and_not_waited_for() {
    let scratch = Scratch::new().await;
    let (first, second) = (added(&scratch.store, &job(None)).await, added(&scratch.store, &job(None)).await);
    let sql = scratch.sql().await;
    let mut tx = sql.begin().await.unwrap();
    sqlx::query("SELECT FROM retention.jobs WHERE job_id = $1 FOR UPDATE")
        .bind(first.uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    let soon = now() + TimeDelta::seconds(1);
    let take = scratch.store.retention.take(KINDS, "worker", LEASE, soon);
    let taken = tokio::time::timeout(Duration::from_secs(5), take).await.expect("it does not wait").unwrap().unwrap();
    assert_eq!(taken.job_id, second);
    assert_eq!(scratch.store.retention.take(KINDS, "worker", LEASE, soon).await.unwrap(), None);
    tx.rollback().await.unwrap();
    assert_eq!(scratch.store.retention.take(KINDS, "worker", LEASE, soon).await.unwrap().unwrap().job_id, first);
    scratch.finish().await;
}

#[tokio::test]
async fn there_is_one_unfinished_job_of_a_key() {
    let scratch = Scratch::new().await;
    let retention = &scratch.store.retention;
    let wishes =
        join_all((0..8).map(|_| async { retention.enqueue(&job(Some("2026-01-31")), now()).await.unwrap() })).await;
    let made: Vec<_> = wishes.iter().filter(|wish| matches!(wish, Enqueued::Added(_))).collect();
    assert_eq!(made.len(), 1);
    let Enqueued::Added(id) = *made[0] else { unreachable!() };
    assert_eq!(wishes.iter().filter(|wish| **wish == Enqueued::Duplicate(id)).count(), 7);

    let taken = retention.take(KINDS, "one", LEASE, now()).await.unwrap().unwrap();
    assert_eq!(retention.enqueue(&job(Some("2026-01-31")), now()).await.unwrap(), Enqueued::Duplicate(id));
    retention.complete(&taken, &json!({"chunks": 3}), now()).await.unwrap();
    assert_ne!(added(&scratch.store, &job(Some("2026-01-31"))).await, id);
    added(&scratch.store, &job(None)).await;
    added(&scratch.store, &job(None)).await;
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_is_tried_again_later_until_it_has_been_tried_enough() {
    let scratch = Scratch::new().await;
    let retention = &scratch.store.retention;
    let id = added(&scratch.store, &job(None)).await;
    let start = now();
    let first = retention.take(KINDS, "one", LEASE, start).await.unwrap().unwrap();
    assert_eq!((first.attempt, first.max_attempts), (1, 2));
    let JobFailure::RetryAt(at) = retention.fail(&first, "no disk", start).await.unwrap() else {
        panic!("one is left")
    };
    assert!((4..=6).contains(&(at - start).num_seconds()), "{at}");
    assert_eq!(retention.take(KINDS, "one", LEASE, start).await.unwrap(), None);
    assert_eq!(retention.take(&["other"], "one", LEASE, at).await.unwrap(), None);

    let second = retention.take(KINDS, "one", LEASE, at).await.unwrap().unwrap();
    assert_eq!(second.attempt, 2);
    assert_eq!(retention.fail(&second, "still no disk", at).await.unwrap(), JobFailure::Dead);
    let record = retention.job(id).await.unwrap().unwrap();
    assert_eq!((record.state, record.last_error.as_deref()), (JobState::Dead, Some("still no disk")));
    assert_eq!(retention.jobs(Some(JobState::Dead), 10).await.unwrap(), [record]);
    let counts = retention.job_counts().await.unwrap();
    assert_eq!(counts, [(JobState::Queued, 0), (JobState::Running, 0), (JobState::Done, 0), (JobState::Dead, 1)]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_whose_worker_fell_silent_goes_to_another_and_the_first_is_told() {
    let scratch = Scratch::new().await;
    let retention = &scratch.store.retention;
    let id = added(&scratch.store, &job(None)).await;
    let start = now();
    let mut first = retention.take(KINDS, "one", LEASE, start).await.unwrap().unwrap();
    retention.extend(&mut first, LEASE, start + TimeDelta::seconds(30)).await.unwrap();
    let lapsed = first.leased_until;
    assert_eq!(lapsed, start + TimeDelta::seconds(90));
    assert_eq!(retention.take(KINDS, "two", LEASE, lapsed - TimeDelta::seconds(1)).await.unwrap(), None);

    let second = retention.take(KINDS, "two", LEASE, lapsed).await.unwrap().unwrap();
    assert_eq!((second.job_id, second.attempt), (id, 2));
    assert!(matches!(retention.complete(&first, &json!({}), lapsed).await, Err(JobError::Lost)));
    assert!(matches!(retention.fail(&first, "late", lapsed).await, Err(JobError::Lost)));
    assert!(matches!(retention.extend(&mut first, LEASE, lapsed).await, Err(JobError::Lost)));
    retention.complete(&second, &json!({"chunks": 1}), lapsed).await.unwrap();
    let record = retention.job(id).await.unwrap().unwrap();
    assert_eq!((record.state, record.result), (JobState::Done, Some(json!({"chunks": 1}))));
    scratch.finish().await;
}

#[tokio::test]
async fn a_job_that_kills_every_worker_is_given_up() {
    let scratch = Scratch::new().await;
    let retention = &scratch.store.retention;
    let id = added(&scratch.store, &job(None)).await;
    let mut at = now();
    for _ in 0..2 {
        at = retention.take(KINDS, "doomed", LEASE, at).await.unwrap().unwrap().leased_until;
    }
    assert_eq!(retention.take(KINDS, "doomed", LEASE, at).await.unwrap(), None);
    assert_eq!(retention.job(id).await.unwrap().unwrap().state, JobState::Dead);
    assert_eq!(retention.job(fresh_id()).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn policies_are_seeded_once_and_changed_on_the_record() {
    let scratch = Scratch::new().await;
    let retention = &scratch.store.retention;
    let shipped = RetentionPolicy {
        name: "telemetry".to_owned(),
        table: "telemetry.events".to_owned(),
        keep: Duration::from_secs(30 * 24 * 3600),
        enabled: true,
        updated_at: now(),
    };
    assert_eq!(retention.seed_policies(std::slice::from_ref(&shipped)).await.unwrap(), 1);
    let changed = RetentionPolicy { keep: Duration::from_secs(7 * 24 * 3600), ..shipped.clone() };
    retention.set_policy(&changed, &Actor::System("test".to_owned()), "the disk is small").await.unwrap();
    assert_eq!(retention.seed_policies(&[shipped]).await.unwrap(), 0);
    assert_eq!(retention.policies().await.unwrap(), std::slice::from_ref(&changed));
    assert_eq!(retention.policy("telemetry").await.unwrap(), Some(changed));
    assert_eq!(retention.policy("other").await.unwrap(), None);

    let log = scratch.store.audit.list(None, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].entry.details["keep_secs"], 7 * 24 * 3600);
    assert_eq!(log[0].entry.reason.as_deref(), Some("the disk is small"));
    scratch.finish().await;
}
