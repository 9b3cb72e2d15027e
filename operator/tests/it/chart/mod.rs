//! The manifests that `cargo xtask manifests` renders from the Helm chart: an API server takes them, and the operator can work
//! with what they allow it.

use std::path::{Path, PathBuf};

use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use muster_testkit::eventually;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, SOON},
    operator::Operator,
    region, samples,
};

/// Where the chart's own release is.
const NAMESPACE: &str = "muster";

fn renderings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/deploy/manifests");
    let files = std::fs::read_dir(folder).expect("the rendered manifests");
    files.map(|file| file.expect("a file").path()).collect()
}

fn documents(file: &Path) -> Vec<Value> {
    let yaml = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let documents = serde_yaml_ng::Deserializer::from_str(&yaml);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

/// A cluster that knows what the Prometheus operator defines.
async fn with_monitoring() -> Option<Cluster> {
    let cluster = Cluster::own().await?;
    let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/monitoring.yaml");
    for definition in documents(&definitions) {
        cluster.apply(definition).await;
    }
    let client = cluster.client().await;
    for kind in ["PodMonitor", "PrometheusRule"] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind));
        let objects: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        eventually(SOON, kind, async || objects.list(&Default::default()).await.ok()).await;
    }
    Some(cluster)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_takes_every_rendering() {
    let Some(cluster) = with_monitoring().await else { return };
    for namespace in [NAMESPACE, "games"] {
        cluster.namespace(namespace).await;
    }
    let client = cluster.client().await;
    let mut kinds = std::collections::BTreeSet::new();
    for file in renderings() {
        for manifest in documents(&file) {
            let answer = samples::try_out(&client, &manifest).await;
            assert!(answer.is_ok(), "{}: {manifest}\n{answer:?}", file.display());
            kinds.insert(manifest["kind"].as_str().expect("a kind").to_owned());
            // It would have said so.
            if manifest["spec"].is_object() {
                let mut wrong = manifest.clone();
                wrong["spec"]["replicass"] = json!(1);
                let answer = samples::try_out(&client, &wrong).await;
                assert!(answer.is_err(), "{} with an unknown field was taken", manifest["kind"]);
            }
        }
    }
    for kind in ["Deployment", "Job", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor", "PrometheusRule"] {
        assert!(kinds.contains(kind), "no rendering has a {kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_work_with_what_the_chart_allows_everywhere() {
    works("operator", "anywhere", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_work_with_what_the_chart_allows_in_one_namespace() {
    works("everything", "games", &["operator.namespace=games"]).await;
}

/// An operator with the rights of a rendering makes a Region ready in `namespace`.
async fn works(rendering: &str, namespace: &str, settings: &[&str]) {
    let Some(cluster) = with_monitoring().await else { return };
    let space = cluster.namespace(namespace).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../ops/deploy/manifests/{rendering}.yaml"));
    for manifest in documents(&file) {
        let kind = manifest["kind"].as_str().expect("a kind");
        if kind == "Namespace" || kind == "ServiceAccount" || kind.contains("Role") {
            cluster.apply(manifest).await;
        }
    }
    let token = cluster.service_account_token(NAMESPACE, "muster-operator").await;
    let admin = cluster.admin_kubeconfig();
    let mut config: Value = serde_json::from_slice(&std::fs::read(&admin).expect("a kubeconfig")).expect("JSON");
    config["users"][0]["user"]["token"] = json!(token);
    let own = admin.with_file_name("chart.kubeconfig");
    std::fs::write(&own, config.to_string()).expect("a kubeconfig");

    let home = format!("operator.lease_namespace={NAMESPACE}");
    let settings: Vec<&str> = settings.iter().copied().chain([home.as_str()]).collect();
    let _operator = Operator::start(&format!("chart-{rendering}"), &own, &settings);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
}
