//! Objects of the same name that somebody else has made.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Service},
        events::v1::Event,
    },
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use muster_operator::{crd::Region, reconcile::conditions};
use muster_testkit::eventually;
use serde_json::{Value, json};

use super::{create, kubectl, small, wait_condition, wait_gone, wait_ready};
use crate::cluster::{Cluster, SOON, Space};

/// A Deployment that has nothing to do with Muster, but for its name.
async fn make_deployment(space: &Space, name: &str, labels: Value) -> Deployment {
    let manifest = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "labels": labels },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": "theirs" } },
            "template": {
                "metadata": { "labels": { "app": "theirs" } },
                "spec": { "containers": [{ "name": "theirs", "image": "theirs:1" }] },
            },
        },
    });
    let deployment = serde_json::from_value(manifest).expect("a Deployment");
    let by_hand = PostParams { field_manager: Some("somebody-else".to_owned()), ..PostParams::default() };
    space.all::<Deployment>().create(&by_hand, &deployment).await.expect("a Deployment")
}

async fn wait_refused(space: &Space, name: &str) -> String {
    let region = wait_condition(space, name, "Degraded", "True", "ObjectNotOurs").await;
    let conditions = region.status.expect("a status").conditions;
    assert_eq!(conditions::holds(&conditions, "Ready"), Some(false));
    conditions.into_iter().find(|condition| condition.type_ == "Degraded").expect("the condition").message
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_made_is_not_taken_over() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("theirs").await;
    let deployments = space.all::<Deployment>();
    make_deployment(&space, "eu-west-gateway", json!({ "app": "theirs" })).await;
    create(&space, "eu-west", small()).await;
    let message = wait_refused(&space, "eu-west").await;
    for part in [
        "Deployment eu-west-gateway",
        "somebody-else). It is left as it is",
        "kubectl annotate deployment eu-west-gateway muster.dev/adopt=true",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // What waits for it hears that only a person can help,
    let wait = ["wait", "region/eu-west", "-n", "theirs", "--for=condition=Stalled", "--timeout=30s"];
    kubectl(&cluster, &wait).await;
    let events = space.all::<Event>();
    eventually(SOON, "the event", async || {
        let all = events.list(&Default::default()).await.ok()?;
        all.iter().any(|event| event.reason.as_deref() == Some("ObjectNotOurs")).then_some(())
    })
    .await;
    // and it was not written, not even by those who take all of them at once.
    let there = deployments.get("eu-west-gateway").await.expect("their Deployment");
    let pod = there.spec.template.spec.as_ref().expect("a pod");
    assert_eq!(pod.containers[0].image.as_deref(), Some("theirs:1"));
    assert!(there.owner_references().is_empty());
    let ours = |entry: &ManagedFieldsEntry| entry.manager.as_deref() == Some("muster-operator");
    assert!(!there.managed_fields().iter().any(ours));

    // When it is gone, the Region goes on by itself.
    deployments.delete("eu-west-gateway", &DeleteParams::background()).await.expect("deleted");
    let region = wait_ready(&space, "eu-west").await;
    let conditions = region.status.expect("a status").conditions;
    assert_eq!(conditions::holds(&conditions, "Stalled"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_the_operators_labels_is_not_the_regions_either() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("theirs-copy").await;
    let labels = json!({ "app.kubernetes.io/managed-by": "muster-operator", "muster.dev/region": "eu-west" });
    make_deployment(&space, "eu-west-gateway", labels.clone()).await;
    // One that the Region does not want is not deleted either.
    make_deployment(&space, "eu-west-referee", labels).await;
    create(&space, "eu-west", small()).await;
    wait_refused(&space, "eu-west").await;
    let deployments = space.all::<Deployment>();
    deployments.delete("eu-west-gateway", &DeleteParams::background()).await.expect("deleted");
    wait_ready(&space, "eu-west").await;
    assert!(deployments.get_opt("eu-west-referee").await.expect("an answer").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_lets_it_be_adopted() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("theirs-adopted").await;
    let theirs: ConfigMap = serde_json::from_value(json!({
        "metadata": { "name": "eu-west" }, "data": { "theirs": "1", "region.json": "{}" },
    }))
    .expect("a ConfigMap");
    let maps = space.all::<ConfigMap>();
    maps.create(&PostParams::default(), &theirs).await.expect("a ConfigMap");
    create(&space, "eu-west", small()).await;
    let message = wait_refused(&space, "eu-west").await;
    assert!(message.contains("ConfigMap eu-west"), "{message}");
    // What comes after it was not begun: processes would read what somebody else has written.
    assert!(space.all::<Deployment>().list(&Default::default()).await.expect("a list").items.is_empty());
    let adopt = Patch::Merge(json!({ "metadata": { "annotations": { "muster.dev/adopt": "true" } } }));
    maps.patch("eu-west", &PatchParams::default(), &adopt).await.expect("annotated");
    wait_ready(&space, "eu-west").await;
    let map = maps.get("eu-west").await.expect("the ConfigMap");
    assert_eq!(map.owner_references()[0].name, "eu-west");
    let data = map.data.expect("entries");
    assert!(data["theirs"] == "1" && data["region.json"] != "{}", "{data:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_regions_do_not_fight_over_one_name() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("theirs-region").await;
    create(&space, "eu", small()).await;
    wait_ready(&space, "eu").await;
    // Its Service for players has the name of the other one's for the ops ports.
    create(&space, "eu-ops", small()).await;
    let message = wait_refused(&space, "eu-ops").await;
    assert!(message.contains("Service eu-ops") && message.contains("belongs to the Region eu"), "{message}");
    assert!(!message.contains("muster.dev/adopt"), "{message}");
    let service = space.all::<Service>().get("eu-ops").await.expect("the Service");
    assert_eq!(service.owner_references().len(), 1);
    wait_ready(&space, "eu").await;
    // One that was refused goes without a trace of what is not its own.
    space.all::<Region>().delete("eu-ops", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-ops").await;
    assert_eq!(space.all::<Service>().get("eu-ops").await.expect("the Service").owner_references()[0].name, "eu");
}
