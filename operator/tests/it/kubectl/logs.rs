use muster_testkit::eventually;
use serde_json::json;

use super::{Running, muster, pod_logs, run};
use crate::{
    cluster::{Cluster, SOON},
    region,
};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_processes_that_are_asked_for_are_read() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-logs").await;
    region::create(&space, "eu-west", region::with_matches("127.0.0.1:1")).await;
    region::wait_ready(&space, "eu-west").await;
    // The API server of the tests has no logs: each process that is asked for is named with that.
    let all = muster(&cluster, &["logs", "eu-west", "-n", "kubectl-logs"]).await.ended(2);
    for part in ["eu-west-gateway-", "eu-west-matchmaker-", "eu-west-referee-"] {
        assert!(all.err.contains(&format!("read the log of {part}")), "{part} is not in {all:?}");
    }
    let gateways = muster(&cluster, &["logs", "eu-west", "gateway", "-n", "kubectl-logs", "-f"]).await.ended(2);
    assert!(gateways.err.contains("eu-west-gateway-") && !gateways.err.contains("eu-west-referee-"), "{gateways:?}");
    let unknown = muster(&cluster, &["logs", "eu-west", "gateways", "-n", "kubectl-logs"]).await.ended(2);
    assert!(unknown.err.contains("the roles are gateway, matchmaker, referee, writer"), "{unknown:?}");

    region::change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    region::wait_ready(&space, "eu-west").await;
    let nothing = eventually(SOON, "nothing to run", async || {
        Some(muster(&cluster, &["logs", "eu-west", "-n", "kubectl-logs"]).await).filter(|said| said.code == Some(1))
    })
    .await;
    assert!(nothing.err.contains("Nothing runs in eu-west"), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_begins_with_its_process() {
    let server = pod_logs::start(&[("eu-west-gateway-a", "one\ntwo\n"), ("eu-west-gateway-b", "three\n")]).await;
    let told = run(&server.kubeconfig, &["logs", "eu-west", "gateway", "--since", "10m"]).await.ended(0);
    let mut lines: Vec<_> = told.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["eu-west-gateway-a one", "eu-west-gateway-a two", "eu-west-gateway-b three"]);
    let asked = server.asked();
    assert!(
        asked.iter().any(|uri| uri.contains("labelSelector=") && uri.contains("muster.dev%2Frole%3Dgateway")),
        "{asked:?}"
    );
    let logs: Vec<_> = asked.iter().filter(|uri| uri.contains("/log?")).collect();
    assert_eq!(logs.len(), 2, "{asked:?}");
    assert!(
        logs.iter().all(|uri| uri.contains("container=muster-server") && uri.contains("sinceSeconds=600")),
        "{logs:?}"
    );
    assert!(logs.iter().all(|uri| !uri.contains("tailLines")), "{logs:?}");
}

/// Whether each was asked for with exactly these parameters.
fn assert_asked(asked: &[String], parameters: &[&str]) {
    for uri in asked {
        let mut given: Vec<_> =
            uri.split_once('?').map_or("", |(_, query)| query).split('&').filter(|p| !p.is_empty()).collect();
        given.sort_unstable();
        assert_eq!(given, parameters, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_followed_is_printed_as_it_comes_until_somebody_presses_ctrl_c() {
    let server = pod_logs::start(&[]).await;
    let (a, b) = (server.open("gateway-a"), server.open("gateway-b"));
    server
        .refuse("gateway-c", "container \"muster-server\" in pod \"gateway-c\" is waiting to start: ContainerCreating");
    let mut logs = Running::start_with(&server.kubeconfig, &["logs", "eu-west", "gateway", "--follow", "--tail", "5"]);

    a.write("one\n");
    assert_eq!(logs.next_line().await, "gateway-a one");
    // Half a line is no line, and keeps nobody else's.
    b.write("half a ");
    a.write("two\nthree\n");
    assert_eq!(logs.next_line().await, "gateway-a two");
    assert_eq!(logs.next_line().await, "gateway-a three");
    b.write("line\n");
    assert_eq!(logs.next_line().await, "gateway-b half a line");
    // One that starts later, and one that comes later, are followed too.
    let (c, d) = (server.open("gateway-c"), server.open("gateway-d"));
    c.write("here\n");
    assert_eq!(logs.next_line().await, "gateway-c here");
    d.write("there\n");
    assert_eq!(logs.next_line().await, "gateway-d there");
    // One that ends, ends nothing.
    drop(c);
    a.write("four\n");
    assert_eq!(logs.next_line().await, "gateway-a four");

    logs.interrupt();
    let done = logs.end().await.ended(130);
    assert_eq!((done.out.lines().count(), done.err.as_str()), (7, ""), "{done:?}");
    for writer in [a, b, d] {
        writer.left().await;
    }
    let asked = server.logs_asked();
    assert!(asked.len() >= 5, "{asked:?}");
    assert_asked(&asked, &["container=muster-server", "follow=true", "tailLines=5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_of_those_that_were_started_again() {
    let server = pod_logs::start(&[("gateway-a", "out of memory\n")]).await;
    let never = "previous terminated container \"muster-server\" in pod \"gateway-b\" not found";
    server.refuse("gateway-b", never);
    let told = run(&server.kubeconfig, &["logs", "eu-west", "--previous"]).await.ended(0);
    assert_eq!(told.out, "gateway-a out of memory\n");
    assert!(told.err.contains("read the log of gateway-b") && told.err.contains(never), "{told:?}");
    let asked = server.logs_asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_asked(&asked, &["container=muster-server", "previous=true", "tailLines=100"]);

    server.refuse("gateway-a", never);
    run(&server.kubeconfig, &["logs", "eu-west", "--previous"]).await.ended(2);
    let both = run(&server.kubeconfig, &["logs", "eu-west", "--previous", "--follow"]).await.ended(2);
    assert!(both.err.contains("cannot be used with"), "{both:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_is_read_can_be_said() {
    let server = pod_logs::start(&[("gateway-a", "one\n")]).await;
    run(&server.kubeconfig, &["logs", "eu-west", "--tail", "7", "--since", "90s"]).await.ended(0);
    assert_asked(&server.logs_asked(), &["container=muster-server", "sinceSeconds=90", "tailLines=7"]);
    for wrong in [["--tail", "-1"], ["--tail", "1000001"], ["--since", "soon"]] {
        let words = ["logs", "eu-west", &format!("{}={}", wrong[0], wrong[1])];
        run(&server.kubeconfig, &words).await.ended(2);
    }
    assert_eq!(server.logs_asked().len(), 1, "nothing was asked");
}
