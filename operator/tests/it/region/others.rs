use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service};
use kube::api::{DeleteParams, Patch, PatchParams};
use muster_testkit::eventually;
use serde_json::json;

use super::{change, create, small, wait_condition, wait_ready};
use crate::cluster::{Cluster, SOON, Space};

/// What the operator has written to Deployments.
const WRITES: &str = "muster_operator_writes_total{kind=\"Deployment\"}";

async fn gateways(space: &Space) -> (Option<i32>, Option<String>) {
    let spec = space.all::<Deployment>().get("eu-west-gateway").await.expect("the gateways").spec;
    (spec.replicas, spec.template.spec.and_then(|pod| pod.containers[0].image.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_scales_is_not_fought() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("scaled").await;
    create(&space, "eu-west", small()).await;
    wait_ready(&space, "eu-west").await;
    let deployments = space.all::<Deployment>();
    let autoscaler =
        PatchParams { field_manager: Some("horizontal-pod-autoscaler".to_owned()), ..PatchParams::default() };
    let five = json!({ "spec": { "replicas": 5 } });
    deployments.patch_scale("eu-west-gateway", &autoscaler, &Patch::Merge(&five)).await.expect("scaled");
    // The Region follows what it sees.
    let regions = space.all::<muster_operator::crd::Region>();
    eventually(SOON, "five gateways", async || {
        let status = regions.get("eu-west").await.ok()?.status?;
        (status.ready_replicas == Some(5) && status.roles[0].desired == 5).then_some(())
    })
    .await;
    let region = wait_condition(&space, "eu-west", "ScaledByOthers", "True", "OwnedByOthers").await;
    let told = region.status.expect("a status").conditions;
    let told = told.iter().find(|condition| condition.type_ == "ScaledByOthers").expect("the condition");
    assert!(told.message.contains("gateway (horizontal-pod-autoscaler)"), "{}", told.message);
    // Neither a change of the Region nor its own count takes that back,
    change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2", "replicas": 2 } })).await;
    wait_ready(&space, "eu-west").await;
    assert_eq!(gateways(&space).await, (Some(5), Some("muster-server:2".to_owned())));
    // but a region that is disabled runs nothing.
    change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Disabled").await;
    assert_eq!(gateways(&space).await.0, Some(0));
    eventually(SOON, "nobody else to decide", async || {
        let conditions = regions.get("eu-west").await.ok()?.status?.conditions;
        (!conditions.iter().any(|condition| condition.type_ == "ScaledByOthers")).then_some(())
    })
    .await;
    change(&space, "eu-west", json!({ "spec": { "state": "Active" } })).await;
    wait_condition(&space, "eu-west", "Ready", "True", "AllReady").await;
    assert_eq!(gateways(&space).await.0, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_scales_again_and_again_is_not_written_against() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("scaled-often").await;
    let operator = cluster.operator("scaled-often", &[]);
    create(&space, "eu-west", small()).await;
    wait_ready(&space, "eu-west").await;
    let before = operator.metric(WRITES).await;
    let deployments = space.all::<Deployment>();
    for (number, manager) in [(4, "kube-controller-manager"), (6, "kube-controller-manager"), (3, "kubectl")] {
        let scales = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let scale = Patch::Merge(json!({ "spec": { "replicas": number } }));
        deployments.patch_scale("eu-west-gateway", &scales, &scale).await.expect("scaled");
        eventually(SOON, "the Region to say so", async || {
            let status = super::get(&space, "eu-west").await.status?;
            let told = status.conditions.into_iter().find(|condition| condition.type_ == "ScaledByOthers")?;
            (status.roles[0].desired == number && told.message.contains(&format!("({manager})"))).then_some(())
        })
        .await;
    }
    wait_ready(&space, "eu-west").await;
    assert_eq!(gateways(&space).await.0, Some(3));
    assert_eq!(operator.metric(WRITES).await, before, "no write to the Deployment");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_or_deleted_by_hand_is_put_right() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("drift").await;
    create(&space, "eu-west", small()).await;
    wait_ready(&space, "eu-west").await;
    let by_hand = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let other = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "muster-server", "image": "evil:1" }] } } } });
    space.all::<Deployment>().patch("eu-west-gateway", &by_hand, &Patch::Strategic(&other)).await.expect("patched");
    eventually(SOON, "the image to be put right", async || {
        (gateways(&space).await.1.as_deref() == Some("muster-server:1")).then_some(())
    })
    .await;
    // What is not the operator's business stays: a restart by `kubectl rollout restart`.
    let restart = json!({ "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "now" } } } } });
    space.all::<Deployment>().patch("eu-west-gateway", &by_hand, &Patch::Merge(&restart)).await.expect("patched");
    let services = space.all::<Service>();
    let uid = services.get("eu-west").await.expect("the door").metadata.uid;
    services.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    eventually(SOON, "the door to be there again", async || {
        let door = services.get_opt("eu-west").await.ok()??;
        (door.metadata.uid != uid).then_some(())
    })
    .await;
    wait_ready(&space, "eu-west").await;
    let template = space.all::<Deployment>().get("eu-west-gateway").await.expect("the gateways").spec.template;
    let annotations = template.metadata.and_then(|metadata| metadata.annotations).expect("annotations");
    assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_region_is_left_alone() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("paused").await;
    create(&space, "eu-west", small()).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "metadata": { "annotations": { "muster.dev/paused": "true" } } })).await;
    wait_condition(&space, "eu-west", "Progressing", "False", "Paused").await;
    change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2" } })).await;
    wait_condition(&space, "eu-west", "Progressing", "False", "Paused").await;
    // Whoever comes later is looked after by then.
    create(&space, "asia", small()).await;
    wait_ready(&space, "asia").await;
    assert_eq!(gateways(&space).await.1.as_deref(), Some("muster-server:1"));
    change(&space, "eu-west", json!({ "metadata": { "annotations": { "muster.dev/paused": null } } })).await;
    wait_condition(&space, "eu-west", "Progressing", "False", "Settled").await;
    assert_eq!(gateways(&space).await.1.as_deref(), Some("muster-server:2"));
}
