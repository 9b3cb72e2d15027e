//! What is told when something is wrong, and that the old version stays valid.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::DeleteParams;
use muster_operator::{crd::secret_rotation::Phase, rotation::ROTATE};
use serde_json::json;

use super::{
    proxy::{Mood, Proxy},
    vault::Vault,
    *,
};
use crate::cluster::Cluster;

fn spec(vault: &Vault) -> Value {
    json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "token" } },
        "target": { "secret": "app", "key": "token", "secondKey": "other" },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "app" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_carried_on_from() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("wrong").await;
    let proxy = Proxy::start(&vault.url).await;
    let settings = vault.settings(&proxy.url);
    let _operator = cluster.operator("wrong", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-wrong").await;

    // A workload that does not exist is waited for.
    create(&cluster, &space, "token", spec(&vault)).await;
    let condition = wait_condition(&space, "token", "Degraded", "True", "RolloutStuck").await;
    assert_eq!(condition.message, "Deployment app does not exist.");
    deploy(&space, "app", 2).await;
    wait_idle(&space, "token", 1).await;
    let first = entry(&space, "app", "token").await.expect("a value");

    // Sealed: nothing is made, what is in use stays, and it goes on when Vault does.
    proxy.set(Mood::Sealed);
    annotate(&space, "token", ROTATE).await;
    let condition = wait_condition(&space, "token", "Degraded", "True", "VaultSealed").await;
    assert!(condition.message.contains("unseal it"), "{}", condition.message);
    wait_condition(&space, "token", "Ready", "True", "InUse").await;
    assert_eq!(entry(&space, "app", "token").await.as_ref(), Some(&first));

    // Slow: it only takes longer. Meanwhile pods that do not get ready hold the switch up; the old one stays valid.
    let never = |value: Value| json!({ "spec": { "progressDeadlineSeconds": 1, "minReadySeconds": 0, "template": { "metadata": { "annotations": { "kube.test/never-ready": value } } } } });
    proxy.set(Mood::Slow(Duration::from_millis(300)));
    wait(&space, "token", "the switch", |state| state.phase == Phase::Switch).await;
    let deployments = space.all::<Deployment>();
    deployments.patch("app", &PatchParams::default(), &Patch::Merge(never(json!("true")))).await.expect("changed");
    wait_condition(&space, "token", "Degraded", "True", "RolloutStuck").await;
    assert_eq!(entry(&space, "app", "other").await.as_ref(), Some(&first), "the old one is honoured");
    assert_eq!(state(&space, "token").await.current.map(|current| current.number), Some(1));
    proxy.set(Mood::Well);
    deployments.patch("app", &PatchParams::default(), &Patch::Merge(never(Value::Null))).await.expect("changed");
    wait(&space, "token", "the overlap", |state| state.phase == Phase::Overlap).await;
    wait_condition(&space, "token", "Degraded", "False", "AsExpected").await;

    // Paused: nothing at all is done.
    let paused = |value: Value| json!({ "metadata": { "annotations": { "muster.dev/paused": value } } });
    let rotations = space.all::<SecretRotation>();
    rotations.patch("token", &PatchParams::default(), &Patch::Merge(paused(json!("true")))).await.expect("paused");
    wait_condition(&space, "token", "Progressing", "False", "Paused").await;
    end_overlap(&space, "token").await;
    // Whoever comes later is looked after by then.
    let mut later = spec(&vault);
    later["source"]["vaultKv"]["path"] = json!("muster/later");
    later["target"]["secret"] = json!("later");
    create(&cluster, &space, "later", later).await;
    wait_idle(&space, "later", 1).await;
    assert_eq!(state(&space, "token").await.phase, Phase::Overlap);
    rotations.patch("token", &PatchParams::default(), &Patch::Merge(paused(Value::Null))).await.expect("goes on");
    wait_idle(&space, "token", 2).await;

    // Nonsense that the schema lets through is named.
    change(&space, "token", json!({ "schedule": { "cron": "0 25 * * *", "timeZone": "UTC" } })).await;
    wait_condition(&space, "token", "Degraded", "True", "CronInvalid").await;
    change(&space, "token", json!({ "schedule": null })).await;
    wait_condition(&space, "token", "Degraded", "False", "").await;

    // Deleted in the middle: what is in use stays where it is.
    annotate(&space, "token", ROTATE).await;
    wait(&space, "token", "the announcement", |state| state.phase == Phase::Announce).await;
    let used = entry(&space, "app", "token").await;
    rotations.delete("token", &DeleteParams::default()).await.expect("deleted");
    muster_testkit::eventually(SOON, "it to be gone", async || {
        rotations.get_opt("token").await.expect("an answer").is_none().then_some(())
    })
    .await;
    assert!(used.is_some());
    assert_eq!(entry(&space, "app", "token").await, used);
}
