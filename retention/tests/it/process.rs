//! The process: plans and works by itself, and drains.

use std::time::Duration;

use muster_store::JobState;
use muster_testkit::{Process, Signal, eventually, free_port};

use crate::support::{chunks, scratch};

#[tokio::test]
async fn the_process_applies_what_is_due_and_drains() {
    let scratch = scratch().await;
    let ops = free_port();
    let mut process = Process::command("muster-retention")
        .label("retention")
        .envs(scratch.env())
        .env("MUSTER__OPS__LISTEN", format!("127.0.0.1:{ops}"))
        .env("MUSTER__RETENTION__SCHEDULE", "0 * * * * *")
        .env("MUSTER__RETENTION__POLL", "100ms")
        .env("MUSTER__RETENTION__WORKERS", "2")
        .spawn();
    process.wait_ready(&format!("http://127.0.0.1:{ops}")).await;
    eventually(Duration::from_secs(15), "the policy to be applied", async || {
        let done = scratch.store.retention.jobs(Some(JobState::Done), 10).await.unwrap();
        (!done.is_empty()).then_some(())
    })
    .await;
    assert_eq!(chunks(&scratch.store).await.len(), 1);

    process.signal(Signal::Terminate);
    assert_eq!(process.wait_exit(Duration::from_secs(25)).await, 0);
    scratch.finish().await;
}
