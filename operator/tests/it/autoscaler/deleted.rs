use k8s_openapi::api::{apps::v1::Deployment, events::v1::Event};
use kube::{ResourceExt, api::DeleteParams};
use muster_operator::crd::RegionAutoscaler;
use muster_testkit::eventually;
use serde_json::{Value, json};

use super::{apply, page::Page, replicas, wait_replicas};
use crate::{
    cluster::{Cluster, SOON, Space},
    region,
};

fn buffer(page: &Page) -> Value {
    json!({
        "regionRef": { "name": "eu" }, "role": "gateway", "max": 8,
        "policy": { "buffer": { "playersPerReplica": 1000 } },
        "metrics": { "url": page.url },
    })
}

async fn wait_gone(space: &Space, name: &str) {
    let autoscalers = space.all::<RegionAutoscaler>();
    eventually(SOON, &format!("{name} to be gone"), async || {
        autoscalers.get_opt(name).await.ok()?.is_none().then_some(())
    })
    .await;
}

/// Whether a field manager has written the gateways.
async fn has_written(space: &Space, manager: &str) -> bool {
    let deployment = space.all::<Deployment>().get("eu-gateway").await.expect("the gateways");
    deployment.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some(manager))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_deleted_while_it_measures_does_not_scale() {
    let Some(cluster) = Cluster::own().await else { return };
    let _operator = cluster.operator("measures", &[]);
    let space = cluster.namespace("measures").await;
    let page = Page::start().await;
    page.says("muster_sockets 0\n");
    apply(&cluster, &space, "Region", "eu", region::small()).await;
    region::wait_ready(&space, "eu").await;
    apply(&cluster, &space, "RegionAutoscaler", "gateways", buffer(&page)).await;
    page.holds().await;
    let autoscalers = space.all::<RegionAutoscaler>();
    autoscalers.delete("gateways", &DeleteParams::default()).await.expect("deleted");
    // What is told of this one was heard after that.
    let mut of_none = buffer(&page);
    of_none["regionRef"] = json!({ "name": "none" });
    apply(&cluster, &space, "RegionAutoscaler", "later", of_none).await;
    eventually(SOON, "the later one to be looked at", async || {
        let status = autoscalers.get("later").await.ok()?.status?;
        status.conditions.iter().any(|condition| condition.reason == "RegionMissing").then_some(())
    })
    .await;
    page.says("muster_sockets 50000\n");
    page.answers();
    wait_gone(&space, "gateways").await;
    assert_eq!(replicas(&space).await, Some(1));
    assert!(!has_written(&space, "muster-autoscaler").await);
    let events = space.all::<Event>().list(&Default::default()).await.expect("events");
    assert!(!events.iter().any(|event| event.reason.as_deref() == Some("ScaledUp")), "it has scaled");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_one_that_goes_is_the_regions_again() {
    let Some(cluster) = Cluster::own().await else { return };
    let mut operator = cluster.operator("handed-back", &[]);
    let space = cluster.namespace("handed-back").await;
    let page = Page::start().await;
    page.says("muster_sockets 4500\n");
    apply(&cluster, &space, "Region", "eu", region::small()).await;
    apply(&cluster, &space, "RegionAutoscaler", "gateways", buffer(&page)).await;
    wait_replicas(&space, 6).await;
    region::wait_condition(&space, "eu", "ScaledByOthers", "True", "Autoscaled").await;
    // It is told to go while nobody looks after it.
    operator.kill();
    space.all::<RegionAutoscaler>().delete("gateways", &DeleteParams::default()).await.expect("deleted");
    assert_eq!(replicas(&space).await, Some(6));
    let _operator = cluster.operator("hands-back", &[]);
    wait_gone(&space, "gateways").await;
    assert!(!has_written(&space, "muster-autoscaler").await, "it has left nothing behind");
    wait_replicas(&space, 1).await;
    region::change(&space, "eu", json!({ "spec": { "replicas": 3 } })).await;
    wait_replicas(&space, 3).await;
    eventually(SOON, "the Region to say so", async || {
        let conditions = region::get(&space, "eu").await.status?.conditions;
        (!conditions.iter().any(|condition| condition.type_ == "ScaledByOthers")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_the_other_one_goes_on_with_the_number() {
    let Some(cluster) = Cluster::own().await else { return };
    let _operator = cluster.operator("heir", &[]);
    let space = cluster.namespace("heir").await;
    let page = Page::start().await;
    page.says("muster_sockets 4500\n");
    apply(&cluster, &space, "Region", "eu", region::small()).await;
    apply(&cluster, &space, "RegionAutoscaler", "first", buffer(&page)).await;
    wait_replicas(&space, 6).await;
    region::wait_ready(&space, "eu").await;
    apply(&cluster, &space, "RegionAutoscaler", "gateways", buffer(&page)).await;
    super::wait_condition(&space, "Ready", "False", "AnotherAutoscaler").await;
    let before = space.all::<Deployment>().get("eu-gateway").await.expect("the gateways").metadata.generation;
    space.all::<RegionAutoscaler>().delete("first", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "first").await;
    super::wait_condition(&space, "Ready", "True", "Following").await;
    let after = space.all::<Deployment>().get("eu-gateway").await.expect("the gateways");
    assert_eq!((after.spec.replicas, after.metadata.generation), (Some(6), before), "nobody was sent away");
}
