//! The samples and the manifests that ship are accepted as they are.

use std::path::Path;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use muster_testkit::eventually;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cluster::{Cluster, SOON},
    region,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_and_manifest_is_accepted() {
    let Some(cluster) = Cluster::shared().await else { return };
    let client = cluster.client().await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut applied = 0;
    for folder in [here.join("samples"), here.join("../ops/deploy/operator")] {
        for file in std::fs::read_dir(folder).expect("a folder") {
            let path = file.expect("a file").path();
            let yaml = std::fs::read_to_string(&path).expect("a manifest");
            for document in serde_yaml_ng::Deserializer::from_str(&yaml) {
                let manifest = Value::deserialize(document).expect("YAML");
                let answer = try_out(&client, &manifest).await;
                assert!(answer.is_ok(), "{}: {answer:?}", path.display());
                applied += 1;
            }
        }
    }
    assert!(applied >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_regions_run_and_all_samples_are_looked_after() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("samples").await;
    for (secret, key) in [("muster-services", "postgres-url"), ("muster-settings", "key")] {
        let mut secret = region::secret(secret, key);
        let more = ["redis-url", "nats-url"].map(|key| (key.to_owned(), ByteString(b"secret".to_vec())));
        secret.data.get_or_insert_default().extend(more);
        space.all::<Secret>().create(&PostParams::default(), &secret).await.expect("a Secret");
    }
    let mut applied = Vec::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")).expect("a folder") {
        let yaml = std::fs::read_to_string(file.expect("a file").path()).expect("a sample");
        for document in serde_yaml_ng::Deserializer::from_str(&yaml) {
            let mut manifest = Value::deserialize(document).expect("YAML");
            manifest["metadata"]["namespace"] = space.name.clone().into();
            cluster.apply(manifest.clone()).await;
            applied.push(manifest);
        }
    }
    assert!(applied.len() >= 6, "{}", applied.len());
    for name in ["eu-west", "us-east"] {
        region::wait_ready(&space, name).await;
    }
    // The others need a Vault, a Prometheus or the processes themselves, and say so.
    for manifest in applied {
        let kind = manifest["kind"].as_str().expect("a kind");
        let name = manifest["metadata"]["name"].as_str().expect("a name");
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("muster.dev", "v1alpha1", kind));
        let api: Api<DynamicObject> = Api::namespaced_with(space.client.clone(), &space.name, &resource);
        eventually(SOON, &format!("{kind} {name} to be looked at"), async || {
            let object = api.get(name).await.ok()?;
            let seen = object.data["status"]["observedGeneration"].as_i64();
            (seen.is_some() && seen == object.metadata.generation).then_some(())
        })
        .await;
    }
}

/// What the API server would answer; unknown fields are refused.
pub async fn try_out(client: &Client, manifest: &Value) -> kube::Result<DynamicObject> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = text(&manifest["apiVersion"]);
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let kind = text(&manifest["kind"]);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = if kind.starts_with("Cluster") || kind == "Namespace" {
        Api::all_with(client.clone(), &resource)
    } else {
        let namespace = manifest["metadata"]["namespace"].as_str().unwrap_or("default");
        Api::namespaced_with(client.clone(), namespace, &resource)
    };
    let parameters = PatchParams::apply("try-out").force().dry_run().validation_strict();
    api.patch(&text(&manifest["metadata"]["name"]), &parameters, &Patch::Apply(manifest)).await
}
