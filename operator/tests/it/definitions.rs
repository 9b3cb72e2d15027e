//! A real API server accepts the definitions, fills in defaults and refuses bad manifests in plain words.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api_server::ApiServer,
    manifests::{self, Manifest},
    snapshot::printed,
};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const RESOURCES: &str = "/apis/muster.dev/v1alpha1/namespaces/default";

#[tokio::test]
async fn a_real_api_server_enforces_the_definitions() {
    let Ok(assets) = std::env::var("KUBEBUILDER_ASSETS") else {
        // Past the test harness's capture: a skipped test should be seen.
        let _ =
            writeln!(std::io::stderr(), "skipped: KUBEBUILDER_ASSETS does not say where etcd and kube-apiserver are");
        return;
    };
    let server = ApiServer::start(Path::new(&assets)).await;
    apply_definitions(&server).await;

    defaults_are_filled_in(&server).await;
    good_manifests_are_accepted(&server).await;
    bad_manifests_are_refused_in_plain_words(&server).await;
    fixed_fields_cannot_change(&server).await;
    status_is_a_subresource(&server).await;
    columns_are_shown(&server).await;
}

async fn apply_definitions(server: &ApiServer) {
    for document in serde_yaml_ng::Deserializer::from_str(&printed()) {
        let definition = Value::deserialize(document).expect("each document is YAML");
        let name = definition["metadata"]["name"].as_str().expect("a definition has a name").to_owned();
        let path = format!("{DEFINITIONS}/{name}?fieldManager=test&force=true&fieldValidation=Strict");
        let (status, answer) =
            server.call(Method::PATCH, &path, "application/apply-patch+yaml", definition.to_string()).await;
        assert!(status.is_success(), "{name}: {status} {}", answer["message"]);
        wait_established(server, &name).await;
    }
}

async fn wait_established(server: &ApiServer, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let definition = server.get(&format!("{DEFINITIONS}/{name}"), "application/json").await;
        let conditions = definition["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let holds = |kind: &str| conditions.iter().any(|c| c["type"] == kind && c["status"] == "True");
        assert!(!holds("NonStructuralSchema"), "{name}: {conditions:?}");
        if holds("Established") {
            // The resource's own path follows a moment later.
            let path =
                format!("{RESOURCES}/{}", definition["spec"]["names"]["plural"].as_str().expect("a plural name"));
            let (status, _) = server.call(Method::GET, &path, "application/json", String::new()).await;
            if status.is_success() {
                return;
            }
        }
        assert!(Instant::now() < deadline, "{name} was not established within 20 s: {conditions:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn create(server: &ApiServer, name: &str, manifest: &Manifest) -> (StatusCode, Value) {
    let body = json!({
        "apiVersion": "muster.dev/v1alpha1",
        "kind": manifest.kind,
        "metadata": { "name": name },
        "spec": manifest.spec,
    });
    let path = format!("{RESOURCES}/{}?fieldValidation=Strict", manifest.plural);
    server.call(Method::POST, &path, "application/json", body.to_string()).await
}

async fn create_good(server: &ApiServer, name: &str, manifest: &Manifest) -> Value {
    let (status, answer) = create(server, name, manifest).await;
    assert_eq!(status, StatusCode::CREATED, "{} {}: {}", manifest.kind, manifest.spec, answer["message"]);
    answer
}

async fn defaults_are_filled_in(server: &ApiServer) {
    let made = create_good(server, "eu-west", &manifests::region()).await;
    assert_eq!(made["spec"]["state"], "Active");
    assert_eq!(made["spec"]["drain"]["matchTimeout"], "10m");
    assert_eq!(made["spec"]["replicas"], 1);

    let made = create_good(server, "eu-west-gateway", &manifests::autoscaler()).await;
    assert_eq!(made["spec"]["min"], 1);
    assert_eq!(made["spec"]["scaleDownAfter"], "5m");
    assert_eq!(made["spec"]["policy"]["buffer"]["spareReplicas"], 1);

    let made = create_good(server, "signing-key", &manifests::rotation()).await;
    assert_eq!(made["spec"]["source"]["vaultKv"]["mount"], "secret");
    assert_eq!([&made["spec"]["interval"], &made["spec"]["overlap"]], ["720h", "24h"]);
}

async fn good_manifests_are_accepted(server: &ApiServer) {
    for (n, manifest) in manifests::good().iter().enumerate() {
        create_good(server, &format!("good-{n}"), manifest).await;
    }
}

async fn bad_manifests_are_refused_in_plain_words(server: &ApiServer) {
    for (manifest, reason) in manifests::bad() {
        let (status, answer) = create(server, "bad", &manifest).await;
        let what = format!("{} {} should be refused with: {reason}", manifest.kind, manifest.spec);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.contains(reason), "{what}\nbut was with: {message}");
    }
}

async fn fixed_fields_cannot_change(server: &ApiServer) {
    let changes = [
        (
            "regionautoscalers/eu-west-gateway",
            json!({ "spec": { "role": "referee" } }),
            "regionRef and role cannot change",
        ),
        ("secretrotations/signing-key", json!({ "spec": { "target": { "secret": "other" } } }), "target cannot change"),
    ];
    for (path, change, reason) in changes {
        let (status, answer) = server
            .call(Method::PATCH, &format!("{RESOURCES}/{path}"), "application/merge-patch+json", change.to_string())
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(reason)), "{}", answer["message"]);
    }
}

async fn status_is_a_subresource(server: &ApiServer) {
    let path = format!("{RESOURCES}/regions/eu-west");
    let before = server.get(&path, "application/json").await;
    let change = json!({
        "spec": { "state": "Disabled" },
        "status": {
            "observedGeneration": before["metadata"]["generation"], "readyReplicas": 3,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "AllReady", "message": "3 of 3 processes are ready.", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
        },
    });
    let (status, after) =
        server.call(Method::PATCH, &format!("{path}/status"), "application/merge-patch+json", change.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{}", after["message"]);
    assert_eq!(after["status"]["readyReplicas"], 3);
    assert_eq!(after["spec"], before["spec"], "the status path leaves the spec alone");
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
}

async fn columns_are_shown(server: &ApiServer) {
    let table =
        server.get(&format!("{RESOURCES}/regions/eu-west"), "application/json;as=Table;v=v1;g=meta.k8s.io").await;
    let names: Vec<_> =
        table["columnDefinitions"].as_array().expect("columns").iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(names, ["Name", "State", "Ready", "Replicas", "Matches", "Age", "Reason", "Image"]);
    let cells = &table["rows"][0]["cells"];
    assert_eq!([&cells[0], &cells[1], &cells[2]], ["eu-west", "Active", "True"]);
    assert_eq!(cells[3], 3);
}
