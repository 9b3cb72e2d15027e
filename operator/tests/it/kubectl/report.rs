use std::{collections::BTreeMap, io::Read, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::muster;
use crate::{cluster::Cluster, region};

/// In a Secret, and from there wherever else it may get to.
const PASSWORD: &str = "Tr0ub4dor-and-3-more";
/// In places where no Secret tells that it is one.
const PLANTED: &str = "planted-9f8e7d6c5b4a";

/// The files of a report, by name.
pub fn entries(file: &Path) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).expect("the report")).expect("a zip");
    let count = zip.len();
    let read = |n| {
        let (mut entry, mut text) = (zip.by_index(n).expect("an entry"), String::new());
        entry.read_to_string(&mut text).expect("text");
        (entry.name().expect("a name").into_owned(), text)
    };
    (0..count).map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_secret_is_not_in_the_report() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-report").await;
    let url = format!("postgres://muster:{PASSWORD}@db:5432/muster");
    let place = |name: &str| {
        json!({
            "name": name, "namespace": space.name, "labels": { "muster.dev/region": "eu-west" },
            "annotations": { "note": format!("is {PLANTED}") },
        })
    };
    let mut secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": place("services") });
    secret["data"] = json!({ "url": BASE64_STANDARD.encode(&url), "key": BASE64_STANDARD.encode(PLANTED.repeat(3)) });
    cluster.apply(secret).await;
    let text = format!("url = \"{url}\"\nseen = \"{PASSWORD}\"\napi_key = {PLANTED}\n");
    cluster.apply(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": place("by-hand"), "data": { "a.toml": text } })).await;
    let container = json!({
        "name": "tool", "image": "tool:1", "args": [format!("--password={PLANTED}"), url],
        "env": [{ "name": "HARMLESS", "value": PLANTED }],
    });
    cluster.apply(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": place("tool"), "spec": { "containers": [container] } })).await;
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": "leak", "namespace": space.name }, "type": "Warning", "reason": "Failed",
        "involvedObject": { "kind": "Pod", "name": "tool", "namespace": space.name },
        "message": format!("cannot connect to {url}, with {PASSWORD}; token={PLANTED}"),
    });
    cluster.apply(event).await;
    let mut spec = region::small();
    spec["database"] = json!({ "secret": "services", "key": "url" });
    cluster
        .apply(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": place("eu-west"), "spec": spec,
        }))
        .await;
    let mut autoscaler = super::autoscaler(&format!("https://scraper:{PLANTED}@metrics.example.com/metrics"));
    autoscaler["dryRun"] = json!(true);
    super::apply(&cluster, &space.name, "RegionAutoscaler", "gateways", autoscaler).await;
    region::wait_ready(&space, "eu-west").await;

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{}.zip", std::process::id()));
    let path = file.display().to_string();
    let asks = ["report", "-n", "kubectl-report", "--file", &path, "-o", "json"];
    let told = muster(&cluster, &asks).await.ended(0);
    assert_eq!(told.json()["file"], json!(path));
    assert_eq!(std::fs::metadata(&file).expect("the report").permissions().mode() & 0o777, 0o600);

    let entries = entries(&file);
    let planted = [PASSWORD, PLANTED, &BASE64_STANDARD.encode(PASSWORD), &BASE64_STANDARD.encode(&url)];
    for (name, text) in &entries {
        for secret in planted {
            assert!(!text.contains(secret) && !name.contains(secret), "{secret} is in {name}:\n{text}");
        }
    }
    let here = "namespaces/kubectl-report";
    let has = |name: &str, part: &str| {
        let text = entries.get(name).unwrap_or_else(|| panic!("{name} is not among {:?}", entries.keys()));
        assert!(text.contains(part), "{part:?} is not in {name}:\n{text}");
    };
    has(&format!("{here}/region/eu-west.yaml"), "image: muster-server:1");
    has(&format!("{here}/region/eu-west.yaml"), "type: Ready");
    has(&format!("{here}/deployment/eu-west-gateway.yaml"), "kind: Deployment");
    has(&format!("{here}/secret/services.yaml"), "url: '[redacted]'");
    has(&format!("{here}/regionautoscaler/gateways.yaml"), "metrics.example.com/metrics");
    has(&format!("{here}/configmap/by-hand.yaml"), "seen = \"[redacted]\"");
    has(&format!("{here}/events.txt"), "cannot connect to");
    has(&format!("{here}/pod/tool.yaml"), "image: tool:1");
    has("cluster/customresourcedefinition/regions.muster.dev.yaml", "kind: CustomResourceDefinition");
    has("versions.json", "kubectl-muster");
    has("status.txt", "eu-west");
    // The API server of the tests has no logs, and the report says so.
    has("missing.txt", "log of tool tool in kubectl-report");

    let again = muster(&cluster, &asks).await.ended(1);
    assert!(again.err.contains("is there already"), "{again:?}");
    std::fs::remove_file(file).expect("ours");
}
