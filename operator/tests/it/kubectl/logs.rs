use muster_testkit::eventually;
use serde_json::json;

use super::{muster, pod_logs, run};
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
