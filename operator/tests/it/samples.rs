//! The samples and the manifests that ship are accepted as they are.

use std::path::Path;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde::Deserialize;
use serde_json::Value;

use crate::cluster::Cluster;

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
