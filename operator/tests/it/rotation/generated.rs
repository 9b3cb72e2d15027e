//! Values by rule, and what others write beside them.

use muster_operator::{crd::secret_rotation::Phase, rotation::ROTATE};
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
