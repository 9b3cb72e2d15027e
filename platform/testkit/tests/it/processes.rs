//! Processes are started, seen to be ready, killed and started again.

use std::time::Duration;

use muster_testkit::{Platform, Process, Signal, eventually};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_comes_up_restarts_and_drains() {
    let mut platform = Platform::builder().server(1).start().await;
    platform.player("Ada").await.me().await.expect("a signed-in player has a profile");

    platform.server(0).kill9().await;
    assert!(!platform.server(0).is_running());
    platform.restart_server(0).await;
    platform.player("Bea").await.me().await.expect("the restarted server answers");

    platform.finish().await;
}

#[tokio::test]
async fn a_process_that_ends_too_soon_is_told_with_its_log() {
    let mut process = Process::command("muster-server").arg("--no-such-flag").label("refused").spawn();
    let code = process.wait_exit(Duration::from_secs(10)).await;
    assert_ne!(code, 0);
    assert!(process.log().contains("--no-such-flag"), "the log has what the process wrote: {}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_answers_again_when_it_goes_on() {
    let mut platform = Platform::builder().start().await;
    let url = platform.server_ops_url(0).to_owned();
    platform.server(0).signal(Signal::Stop);
    let frozen = timeout(Duration::from_millis(300), platform.metrics(&url)).await;
    assert!(frozen.is_err(), "a stopped process answers nothing");
    assert!(platform.server(0).is_running());
    platform.server(0).signal(Signal::Continue);
    eventually(Duration::from_secs(5), "the server's metrics", async || {
        platform.metrics(&url).await.contains("muster_").then_some(())
    })
    .await;
    platform.finish().await;
}
