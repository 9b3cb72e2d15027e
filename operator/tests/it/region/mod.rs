//! What becomes of a Region.
//!
//! - `runs`: from the manifest to running processes, and changes. `drains`: draining, disabling, deleting.
//! - `queues`: what the platform is told, by a `platform` that stands in for it. `door`: the same with the platform itself.
//! - `others`: what other people and programs change. `theirs`: what they have made. `wrong`: what is told when something is wrong.

mod door;
mod drains;
mod others;
mod platform;
mod queues;
mod runs;
mod theirs;
mod wrong;

use std::path::Path;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use muster_operator::crd::Region;
use muster_testkit::eventually;
use serde_json::{Value, json};

use crate::cluster::{Cluster, SOON, Space};

/// The smallest Region that takes players.
pub fn small() -> Value {
    json!({ "image": "muster-server:1", "roles": [{ "name": "gateway" }] })
}

/// A Region with everything that plays a part in a drain; `ops` is asked for metrics.
pub fn with_matches(ops: &str) -> Value {
    json!({
        "image": "muster-server:1",
        "roles": [{ "name": "gateway" }, { "name": "matchmaker" }, { "name": "referee", "replicas": 2 }],
        "endpoints": { "ops": ops },
    })
}

/// A Secret with one entry.
pub fn secret(name: &str, key: &str) -> Secret {
    let mut secret =
        Secret { data: Some([(key.to_owned(), ByteString(b"secret".to_vec()))].into()), ..Default::default() };
    secret.metadata.name = Some(name.to_owned());
    secret
}

/// Creates a Region, or makes an existing one so.
pub async fn create(space: &Space, name: &str, spec: Value) {
    let manifest = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": name, "namespace": space.name }, "spec": spec,
    });
    let region: Region = serde_json::from_value(manifest.clone()).expect("a Region");
    let regions = space.all::<Region>();
    match regions.create(&PostParams::default(), &region).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            let parameters = PatchParams::default();
            regions.patch(name, &parameters, &Patch::Merge(&manifest)).await.expect("the Region is changed");
        }
        created => {
            created.expect("the Region is created");
        }
    }
}

/// Changes a Region by a merge patch.
pub async fn change(space: &Space, name: &str, change: Value) {
    space
        .all::<Region>()
        .patch(name, &PatchParams::default(), &Patch::Merge(&change))
        .await
        .expect("the Region is changed");
}

/// The Region now.
pub async fn get(space: &Space, name: &str) -> Region {
    space.all::<Region>().get(name).await.expect("the Region")
}

/// Waits until a condition speaks of the newest spec and says this.
pub async fn wait_condition(space: &Space, name: &str, type_: &str, status: &str, reason: &str) -> Region {
    let mut last = String::new();
    eventually(SOON, &format!("{name}: {type_}={status} {reason}"), async || {
        let region = get(space, name).await;
        let conditions = region.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        let now = format!("{conditions:?}");
        if now != last {
            eprintln!("{name}: {now}");
            last = now;
        }
        let says = conditions.iter().any(|condition| {
            condition.type_ == type_
                && condition.status == status
                && (reason.is_empty() || condition.reason == reason)
                && condition.observed_generation == region.metadata.generation
        });
        says.then_some(region)
    })
    .await
}

/// Waits until the Region is as it should be.
pub async fn wait_ready(space: &Space, name: &str) -> Region {
    wait_condition(space, name, "Ready", "True", "").await
}

/// Waits until the Region and its objects are gone.
pub async fn wait_gone(space: &Space, name: &str) {
    let regions = space.all::<Region>();
    let deployments = space.all::<k8s_openapi::api::apps::v1::Deployment>();
    eventually(SOON, &format!("{name} to be gone"), async || {
        let left = deployments.list(&Default::default()).await.ok()?;
        let left = left.iter().any(|deployment| deployment.name_any().starts_with(name));
        (!left && regions.get_opt(name).await.ok()?.is_none()).then_some(())
    })
    .await;
}

/// What `kubectl` answers.
pub async fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(cluster.admin_kubeconfig())
        .arg("--cache-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubectl-cache"))
        .args(arguments)
        .output()
        .await
        .expect("kubectl starts");
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
