//! The platform itself is told, by a service key as `muster-server` makes it.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::DeleteParams;
use muster_operator::crd::Region;
use muster_testkit::{Platform, eventually, run};
use serde_json::{Value, json};

use super::{change, create, wait_condition, wait_gone, wait_ready};
use crate::cluster::{Cluster, SOON, Space};

/// What the door tells players of the closed regions of a queue.
async fn closed(platform: &Platform) -> Option<Vec<String>> {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.get(format!("{}/v1/queues", platform.server_url(0))).send().await.ok()?;
    let queues: Value = answer.json().await.ok()?;
    let queue = queues.as_array()?.iter().find(|queue| queue["name"] == "classic-ranked")?;
    let closed = queue["closed_regions"].as_array().cloned().unwrap_or_default();
    Some(closed.iter().filter_map(|region| region.as_str().map(str::to_owned)).collect())
}

async fn wait_closed(platform: &Platform, regions: &[&str]) {
    eventually(SOON, &format!("{regions:?} to be closed"), async || (closed(platform).await? == regions).then_some(()))
        .await;
}

async fn put_key(platform: &Platform, space: &Space) {
    let made = ["service-key", "add", "operator", "--purpose", "operations"];
    let made = run("muster-server", &made, &platform.scratch.env(), "").await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let key = ByteString(made.stdout.trim().into());
    let mut secret = Secret { data: Some([("key".to_owned(), key)].into()), ..Default::default() };
    secret.metadata.name = Some("platform".to_owned());
    space.all::<Secret>().create(&Default::default(), &secret).await.expect("a Secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_is_closed_while_a_region_drains_and_open_when_it_is_gone() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("door").await;
    let mut platform = Platform::builder().server_roles(0, "gateway").start().await;
    put_key(&platform, &space).await;
    let spec = json!({
        "image": "muster-server:1", "roles": [{ "name": "gateway" }, { "name": "matchmaker" }],
        "platform": { "url": platform.server_url(0), "key": { "secret": "platform", "key": "key" } },
    });
    create(&space, "eu-west", spec.clone()).await;
    wait_ready(&space, "eu-west").await;
    wait_closed(&platform, &[]).await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    wait_closed(&platform, &["eu-west"]).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Active" } })).await;
    wait_closed(&platform, &[]).await;
    wait_ready(&space, "eu-west").await;

    let regions = space.all::<Region>();
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    wait_closed(&platform, &["eu-west"]).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-west").await;
    wait_closed(&platform, &[]).await;

    // The door is away while the Region goes, and comes back.
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    wait_closed(&platform, &["eu-west"]).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    platform.server(0).kill9().await;
    regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_condition(&space, "eu-west", "Degraded", "True", "QueuesNotOpened").await;
    platform.restart_server(0).await;
    wait_gone(&space, "eu-west").await;
    wait_closed(&platform, &[]).await;
    platform.finish().await;
}
