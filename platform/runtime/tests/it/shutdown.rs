//! How a process ends.

use std::os::unix::process::ExitStatusExt;

use crate::{
    process::Process,
    wait::{until, within},
};

#[tokio::test]
async fn a_signal_drains_and_the_process_ends_well() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start(&[]).await;
        process.until_ready().await;
        process.signal(signal).await;
        assert_eq!(process.exit().await.code(), Some(0), "after SIG{signal}");
        assert_eq!(process.line("drained").await["failed"], false);
    }
}

#[tokio::test]
async fn requests_under_way_are_finished() {
    let mut process = Process::start(&[]).await;
    // This request is answered when the drain has begun, and not before.
    let request = tokio::spawn(reqwest::get(format!("http://{}/last", process.http().await)));
    process.line("waiting for the drain").await;
    process.signal("TERM").await;
    let answer = within("the answer", request).await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "done");
    assert_eq!(process.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_process_that_drains_is_not_ready() {
    let mut process = Process::start(&["task.ending=never"]).await;
    process.until_ready().await;
    process.signal("TERM").await;
    until("readiness to end", || async { process.ready().await.filter(|code| *code == 503) }).await;
    process.signal("KILL").await;
    assert_eq!(process.exit().await.signal(), Some(9));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut process = Process::start(&["task.ending=never", "shutdown.grace=10m"]).await;
    process.until_ready().await;
    process.signal("TERM").await;
    process.line("draining; a second signal ends the process at once").await;
    process.signal("TERM").await;
    assert_eq!(process.exit().await.code(), Some(128 + 15));
}

#[tokio::test]
async fn a_task_that_outlasts_the_grace_is_named() {
    let mut process = Process::start(&["task.ending=never", "shutdown.grace=1s"]).await;
    process.until_ready().await;
    process.signal("TERM").await;
    assert_eq!(process.exit().await.code(), Some(1));
    assert_eq!(process.line("tasks did not end in time").await["tasks"], "worker");
}

#[tokio::test]
async fn a_task_that_fails_ends_the_process_and_is_named() {
    let mut failed = Process::start(&["task.ending=error"]).await;
    assert_eq!(failed.exit().await.code(), Some(1));
    let line = failed.line("the task failed; the process drains and ends").await;
    assert_eq!((&line["task"], &line["error"]), (&"worker".into(), &"the disk is full".into()));

    let mut panicked = Process::start(&["task.ending=panic"]).await;
    assert_eq!(panicked.exit().await.code(), Some(1));
    let line = panicked.line("the task panicked; the process drains and ends").await;
    assert_eq!((&line["task"], &line["error"]), (&"worker".into(), &"the disk is round".into()));
    assert!(
        panicked.logged("panicked: the disk is round").unwrap()["location"].as_str().unwrap().contains("minimal.rs")
    );
}

#[tokio::test]
async fn a_request_goes_on_with_the_trace_of_its_caller() {
    let process = Process::start(&["log.filter=info,hyper=off"]).await;
    let url = format!("http://{}/hello/somebody?token=hunter2", process.http().await);
    let caller = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = reqwest::Client::new().get(url).header("traceparent", format!("00-{caller}-00f067aa0ba902b7-01"));
    let seen = within("the answer", request.send()).await.unwrap().text().await.unwrap();
    assert_eq!(seen, caller);
    let line = process.line("greeting").await;
    assert_eq!((&line["trace_id"], &line["http.route"]), (&caller.into(), &"/hello/{name}".into()));
    let text = line.to_string();
    assert!(!text.contains("somebody") && !text.contains("hunter2"), "{text}");
}
