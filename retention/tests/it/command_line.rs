//! `policies`, `set` and `run`, as a person uses them.

use muster_retention::report::Report;
use muster_store::JobState;
use muster_testkit::{Finished, Scratch, run};
use serde_json::Value;

use crate::support::{audited, chunks, keep, scratch};

async fn command(scratch: &Scratch, args: &[&str]) -> Finished {
    run("muster-retention", args, &scratch.env(), "").await
}

#[tokio::test]
async fn policies_are_shown_and_changed() {
    let scratch = Scratch::new().await;
    let shown = command(&scratch, &["policies"]).await;
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("telemetry-events") && shown.stdout.contains("telemetry.events"), "{}", shown.stdout);

    let change =
        ["set", "--policy", "telemetry-events", "--keep", "30days", "--enabled", "false", "--reason", "a budget"];
    let changed = command(&scratch, &change).await;
    assert_eq!(changed.code, 0, "{}", changed.stderr);
    let shown = command(&scratch, &["policies", "--json"]).await;
    let shown: Vec<Value> = serde_json::from_str(&shown.stdout).unwrap();
    let shown = shown.iter().find(|policy| policy["name"] == "telemetry-events").unwrap();
    assert_eq!(shown["keep"], "30d");
    assert_eq!((&shown["enabled"], &shown["next_run"]), (&Value::Bool(false), &Value::Null));
    let policy = scratch.store.retention.policy("telemetry-events").await.unwrap().unwrap();
    assert_eq!(policy.keep.as_secs(), 30 * 86_400);
    let entries = scratch.store.audit.list(None, 10).await.unwrap();
    assert!(entries.iter().any(|entry| entry.entry.reason.as_deref() == Some("a budget")));

    for wrong in [
        vec!["set", "--policy", "coffee", "--keep", "30d", "--reason", "r"],
        vec!["set", "--policy", "telemetry-events", "--keep", "1h", "--reason", "r"],
        vec!["set", "--policy", "telemetry-events", "--reason", "r"],
        vec!["run", "--policy", "coffee"],
    ] {
        let refused = command(&scratch, &wrong).await;
        assert_ne!(refused.code, 0, "{wrong:?}");
        assert!(!refused.stderr.is_empty());
    }
    scratch.finish().await;
}

#[tokio::test]
async fn a_dry_run_and_a_run_print_what_they_record() {
    let scratch = scratch().await;
    let store = &scratch.store;
    let dry = command(&scratch, &["run", "--policy", "telemetry-events", "--dry-run"]).await;
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.starts_with("telemetry-events: would drop 2 chunks of telemetry.events"), "{}", dry.stdout);
    assert_eq!(chunks(store).await.len(), 3);

    let real = command(&scratch, &["run", "--policy", "telemetry-events", "--json"]).await;
    assert_eq!(real.code, 0, "{}", real.stderr);
    let report: Report = serde_json::from_str(&real.stdout).unwrap();
    assert_eq!((report.dry_run, report.chunks.len()), (false, 2));
    assert_eq!(chunks(store).await.len(), 1);

    let jobs = store.retention.jobs(Some(JobState::Done), 10).await.unwrap();
    assert_eq!(jobs.len(), 2);
    let recorded: Report = serde_json::from_value(jobs[0].result.clone().unwrap()).unwrap();
    assert_eq!(recorded, report);
    assert_eq!(audited(store, "retention.preview").await.len(), 1);
    assert_eq!(audited(store, "retention.apply").await.len(), 1);

    keep(store, 2, false).await;
    let refused = command(&scratch, &["run", "--policy", "telemetry-events"]).await;
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("disabled"), "{}", refused.stderr);
    assert_eq!(store.retention.jobs(Some(JobState::Dead), 10).await.unwrap().len(), 1);
    scratch.finish().await;
}
