//! Values by rule, and what others write beside them.

use muster_operator::{
    crd::secret_rotation::Phase,
    rotation::{ROLLBACK, ROTATE},
};
use muster_testkit::eventually;
use serde_json::json;

use super::{vault::Vault, *};
use crate::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn values_follow_the_rule_and_others_entries_stay() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("gen").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("generated", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-generated").await;
    vault.put("muster/app", json!({ "pepper": "made by hand, once upon a time", "other": "stays" })).await;
    create(
        &cluster,
        &space,
        "pepper",
        json!({
            "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper", "generate": { "length": 40, "alphabet": "Hex" } } },
            "target": { "secret": "app", "key": "pepper" },
            "overlap": "1m",
        }),
    )
    .await;
    // What is there is taken as it is.
    wait_idle(&space, "pepper", 1).await;
    assert_eq!(entry(&space, "app", "pepper").await.as_deref(), Some("made by hand, once upon a time"));

    annotate(&space, "pepper", ROTATE).await;
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 2).await;
    let made = entry(&space, "app", "pepper").await.expect("a value");
    assert!(made.len() == 40 && made.chars().all(|c| c.is_ascii_hexdigit()), "{made}");
    assert_eq!(vault.value("muster/app", "other").await.as_deref(), Some("stays"));

    // Somebody changes the Secret: it is set right. Somebody else's entry is left alone.
    let patch = json!({ "data": { "pepper": "d3Jvbmc=", "theirs": "c3RheXM=" } });
    let secrets = space.all::<k8s_openapi::api::core::v1::Secret>();
    secrets.patch("app", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("changed");
    eventually(SOON, "the value to be set right", async || {
        (entry(&space, "app", "pepper").await.as_ref() == Some(&made)).then_some(())
    })
    .await;
    assert_eq!(entry(&space, "app", "theirs").await.as_deref(), Some("stays"));

    // A person writes a new version in Vault; whoever looks next brings it to the Secret. Another entry is no new version.
    let newest = json!({ "pepper": "by hand again, and long enough", "other": "changed" });
    vault.put("muster/app", newest).await;
    change(&space, "pepper", json!({ "overlap": "2m" })).await;
    wait(&space, "pepper", "the third", |state| state.phase == Phase::Overlap && state.versions == 3).await;
    assert_eq!(entry(&space, "app", "pepper").await.as_deref(), Some("by hand again, and long enough"));
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 3).await;

    // At rest nothing is written.
    let before = (get(&space, "pepper").await.metadata.resource_version, operator.writes().await);
    operator.wait_reconciles("SecretRotation", 3.0).await;
    assert_eq!((get(&space, "pepper").await.metadata.resource_version, operator.writes().await), before);
    let told = told(&space, "pepper", &operator.log()).await;
    assert!(!told.contains(&made) && !told.contains("once upon a time"), "a value was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gone_back_from_does_not_come_back_with_anothers_entry() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("back").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("back", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-back").await;
    let source = json!({ "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper" } });
    let spec = json!({ "source": source, "target": { "secret": "app", "key": "pepper" }, "overlap": "1m" });
    create(&cluster, &space, "pepper", spec).await;
    wait_idle(&space, "pepper", 1).await;
    let first = entry(&space, "app", "pepper").await.expect("a value");
    annotate(&space, "pepper", ROTATE).await;
    wait(&space, "pepper", "the second", |state| state.phase == Phase::Overlap && state.answered.is_none()).await;
    let second = entry(&space, "app", "pepper").await.expect("a value");
    annotate(&space, "pepper", ROLLBACK).await;
    wait(&space, "pepper", "the first again", |state| {
        state.phase == Phase::Overlap && state.turned_back && state.answered.is_none()
    })
    .await;
    // Somebody writes another entry, with this one as they have found it.
    vault.put("muster/app", json!({ "pepper": second, "other": "by hand" })).await;
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 1).await;
    operator.wait_reconciles("SecretRotation", 2.0).await;
    wait_idle(&space, "pepper", 1).await;
    assert_eq!(entry(&space, "app", "pepper").await.as_ref(), Some(&first));
    assert_eq!(vault.value("muster/app", "pepper").await.as_ref(), Some(&first));
    assert_eq!(vault.value("muster/app", "other").await.as_deref(), Some("by hand"));

    // Another rotation of the same secret would retire versions that this one needs.
    let source = json!({ "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "other" } });
    let spec = json!({ "source": source, "target": { "secret": "app", "key": "other" }, "overlap": "1m" });
    create(&cluster, &space, "salt", spec).await;
    let told = wait_condition(&space, "salt", "Ready", "False", "PathShared").await;
    assert!(told.message.contains("SecretRotation pepper is older"), "{}", told.message);
    assert_eq!(vault.value("muster/app", "other").await.as_deref(), Some("by hand"));
}
