//! One of two operators acts; when it dies, the other goes on.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use muster_testkit::eventually;
use tokio::time::Instant;

use crate::{
    cluster::{Cluster, SOON},
    region,
};

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_dies_the_other_goes_on() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("two").await;
    let mut first = cluster.operator("first", &[]);
    first.wait_leading().await;
    let mut second = cluster.operator("second", &[]);
    second.wait_ready().await;
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    assert_eq!(second.metric("muster_operator_leading").await, Some(0.0), "only one acts");
    let metrics = second.metrics().await.expect("metrics");
    assert!(!metrics.contains("muster_reconciles_total{"), "and the other does nothing");

    first.kill();
    let died = Instant::now();
    region::create(&space, "eu-east", region::small()).await;
    region::wait_ready(&space, "eu-east").await;
    assert_eq!(second.metric("muster_operator_leading").await, Some(1.0));
    // The Lease of 6 s, and what the region takes.
    assert!(died.elapsed() < Duration::from_secs(20), "{:?}", died.elapsed());

    // An orderly end gives the Lease back, and leaves everything running.
    assert_eq!(second.terminate().await, Some(0));
    let deployments = space.all::<Deployment>();
    let ready = eventually(SOON, "the processes", async || deployments.list(&Default::default()).await.ok()).await;
    assert!(ready.items.iter().all(|d| d.status.as_ref().and_then(|s| s.ready_replicas) == Some(1)), "{ready:?}");
}
