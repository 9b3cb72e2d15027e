use k8s_openapi::api::events::v1::Event;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use muster_testkit::eventually;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, SOON, Space},
    region,
    snapshot::printed,
};

/// The shipped definitions.
pub fn definitions() -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(&printed()).map(|one| Value::deserialize(one).expect("YAML")).collect()
}

/// A definition that lets everything through, as an earlier version may have.
pub fn lax(mut definition: Value) -> Value {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    definition["spec"]["versions"][0]["schema"] = schema;
    definition
}

pub fn dynamic(space: &Space, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("muster.dev", "v1alpha1", kind));
    Api::namespaced_with(space.client.clone(), &space.name, &resource)
}

/// Stores what the shipped definition would refuse.
pub async fn store(space: &Space, kind: &str, name: &str, spec: Value) {
    let object =
        json!({ "apiVersion": "muster.dev/v1alpha1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    // The definition that lets it through is not in force at once.
    eventually(SOON, &format!("{kind} {name} to be stored"), async || {
        dynamic(space, kind).create(&PostParams::default(), &object).await.ok()
    })
    .await;
}

/// Waits until the shipped definition of Region is in force.
pub async fn wait_in_force(space: &Space) {
    eventually(SOON, "the definition to be in force", async || {
        let bad =
            json!({ "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": "bad" }, "spec": {} });
        let bad: DynamicObject = serde_json::from_value(bad).expect("an object");
        dynamic(space, "Region").create(&PostParams { dry_run: true, ..PostParams::default() }, &bad).await.err()
    })
    .await;
}

/// What the event about it says.
async fn wait_told(space: &Space, kind: &str, name: &str) -> String {
    let events = space.all::<Event>();
    eventually(SOON, &format!("{kind} {name} to be told of"), async || {
        let events = events.list(&Default::default()).await.expect("events");
        let about = |event: &Event| {
            let regarding = event.regarding.clone().unwrap_or_default();
            (regarding.kind.as_deref(), regarding.name.as_deref()) == (Some(kind), Some(name))
        };
        let told = events.items.into_iter().find(|event| event.reason.as_deref() == Some("Unreadable") && about(event));
        told?.note
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_before_a_rule_was_tightened_stops_nobody() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("garbage").await;
    for definition in definitions() {
        cluster.apply(lax(definition)).await;
    }
    let garbage = [
        ("Region", json!({ "image": 5, "roles": "all" }), "invalid type"),
        ("RegionAutoscaler", json!({ "max": 3 }), "missing field"),
        ("SecretRotation", json!({ "source": { "vaultKv": [] } }), "invalid length"),
    ];
    for (kind, spec, _) in &garbage {
        store(&space, kind, "garbage", spec.clone()).await;
    }
    let mut state_of_old = region::small();
    state_of_old["state"] = json!("Sleeping");
    store(&space, "Region", "sleeping", state_of_old).await;
    for definition in definitions() {
        cluster.apply(definition).await;
    }

    let operator = cluster.operator("garbage", &[]);
    for (kind, _, part) in &garbage {
        let told = wait_told(&space, kind, "garbage").await;
        assert!(told.contains(&format!("This {kind} cannot be read")) && told.contains(part), "{told}");
    }
    // Where the API server still takes a status, that says it too.
    eventually(SOON, "the condition", async || {
        let status = dynamic(&space, "Region").get("sleeping").await.expect("the Region").data["status"].clone();
        let conditions = status["conditions"].as_array()?.clone();
        conditions.iter().find(|one| one["type"] == "Degraded" && one["reason"] == "Unreadable").map(|_| ())
    })
    .await;
    // The others are looked after,
    wait_in_force(&space).await;
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    // and so is it, once it can be read.
    region::create(&space, "garbage", region::small()).await;
    region::wait_ready(&space, "garbage").await;
    region::wait_condition(&space, "garbage", "Degraded", "False", "AsExpected").await;
    assert_eq!(operator.metric("muster_operator_leading").await, Some(1.0));
}
