use k8s_openapi::api::core::v1::Service;
use kube::api::DeleteParams;
use muster_testkit::eventually;
use serde_json::json;

use super::image;
use crate::{
    api_proxy::{ApiProxy, Mood},
    cluster::{Cluster, SOON, Space},
    region,
};

/// Deletes the door of a Region and changes its image; waits until both are as they should be.
async fn change_and_wait(space: &Space, name: &str, new_image: &str, meanwhile: impl AsyncFnOnce()) {
    let services = space.all::<Service>();
    let uid = services.get(name).await.expect("the door").metadata.uid;
    services.delete(name, &DeleteParams::default()).await.expect("deleted");
    region::change(space, name, json!({ "spec": { "image": new_image } })).await;
    meanwhile().await;
    region::wait_ready(space, name).await;
    assert_eq!(image(space, name).await.as_deref(), Some(new_image));
    eventually(SOON, "another door", async || {
        let door = services.get_opt(name).await.expect("an answer")?;
        (door.metadata.uid != uid).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_died_without_a_word_is_noticed() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("silent").await;
    let proxy = ApiProxy::start(cluster.server.url()).await;
    let _operator = cluster.operator_through(&proxy.url, "silent", &["operator.watch_timeout=2s"]);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    assert!(proxy.silence_watches() >= 7, "Regions and their objects are watched");
    change_and_wait(&space, "eu-west", "muster-server:2", async || {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_watches_were_cut_off_is_made_up_for() {
    let Some(mut cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("cut").await;
    let proxy = ApiProxy::start(cluster.server.url()).await;
    let _operator = cluster.operator_through(&proxy.url, "cut", &[]);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;

    // The API server still knows what happened: the watch goes on where it was.
    proxy.set(Mood::Cut);
    change_and_wait(&space, "eu-west", "muster-server:2", async || proxy.set(Mood::Well)).await;

    // One that was started anew does not; it says so (410), and everything is listed once more.
    proxy.set(Mood::Cut);
    let server = &mut cluster.server;
    change_and_wait(&space, "eu-west", "muster-server:3", async || {
        server.crash();
        server.start_again().await;
        proxy.set(Mood::Well);
    })
    .await;
}
