//! A rotation begins by itself when it is time.

use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::{vault::Vault, *};
use crate::cluster::Cluster;

/// Lets the version in use be of that time.
async fn in_use_since(space: &Space, name: &str, at: &str) {
    let patch = json!({ "status": { "rotation": { "inUseSince": at } } });
    let api = space.all::<SecretRotation>();
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("the clock goes on");
}

async fn next_rotation(space: &Space, name: &str) -> Option<Timestamp> {
    get(space, name).await.status?.next_rotation_at.map(|at| at.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_made_when_the_interval_is_over() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("due").await;
    let settings = vault.settings(&vault.url);
    let _operator = cluster.operator("due", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-due").await;
    let spec = json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper" } },
        "target": { "secret": "app", "key": "pepper" }, "interval": "720h", "overlap": "1m",
    });
    create(&cluster, &space, "pepper", spec).await;
    wait_idle(&space, "pepper", 1).await;
    let now = Timestamp::now();
    let due = muster_testkit::eventually(SOON, "the next time", async || next_rotation(&space, "pepper").await).await;
    let away = due.duration_since(now).as_hours();
    assert!((719..=720).contains(&away), "in {away} h");

    // A month later; nobody has asked.
    in_use_since(&space, "pepper", "2020-01-01T00:00:00Z").await;
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 2).await;
}
