use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use muster_testkit::eventually;
use serde_json::{Value, json};

use super::{apply, muster, wait_ends};
use crate::{
    cluster::{Cluster, SOON},
    region,
};

fn reasons(answer: &Value) -> Vec<&str> {
    answer["chain"].as_array().expect("a chain").iter().filter_map(|link| link["reason"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_goes_from_the_region_to_its_pods_and_their_events() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-why").await;
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    let well = muster(&cluster, &["why", "region/eu-west", "-n", "kubectl-why"]).await.ended(0);
    assert!(well.out.contains("is Ready") && well.out.contains("1/1") && !well.out.contains("What to do"), "{well:?}");

    let pods = space.all::<Pod>();
    let ours = ListParams::default().labels("muster.dev/region=eu-west");
    let pod = pods.list(&ours).await.expect("pods").items.remove(0).name_any();
    let ill = json!({ "metadata": { "annotations": { "kube.test/never-ready": "true" } } });
    pods.patch(&pod, &PatchParams::default(), &Patch::Merge(&ill)).await.expect("changed");
    region::wait_condition(&space, "eu-west", "Ready", "False", "RollingOut").await;
    let about = |name: &str, reason: &str| -> Event {
        serde_json::from_value(json!({
            "metadata": { "name": reason.to_lowercase(), "namespace": space.name }, "type": "Warning", "reason": reason,
            "involvedObject": { "kind": "Pod", "name": name, "namespace": space.name },
            "message": "Readiness probe failed: 503\u{1b}[2J", "count": 12, "lastTimestamp": jiff::Timestamp::now().to_string(),
        }))
        .expect("an event")
    };
    for (name, reason) in [(pod.as_str(), "Unhealthy"), ("another", "Failed")] {
        space.all::<Event>().create(&PostParams::default(), &about(name, reason)).await.expect("an event");
    }

    let asks = ["why", "rgn", "eu-west", "-n", "kubectl-why", "-o", "json"];
    let answer = eventually(SOON, "the pod in the chain", async || {
        let answer = muster(&cluster, &asks).await.json();
        reasons(&answer).contains(&"Unhealthy").then_some(answer)
    })
    .await;
    let told = reasons(&answer);
    assert_eq!((told.first(), told.last()), (Some(&"RollingOut"), Some(&"Unhealthy")), "{answer:#}");
    assert!(!told.contains(&"Failed"), "another pod's event: {answer:#}");
    let chain: Vec<_> =
        answer["chain"].as_array().expect("a chain").iter().map(|link| link["about"].as_str()).collect();
    assert!(chain.contains(&Some("Deployment/eu-west-gateway")), "{chain:?}");
    assert_eq!(answer["owns"][0]["ready"], 0);
    let todo = answer["todo"][0].as_str().expect("something to do");
    assert!(todo.contains(&format!("kubectl logs {pod} -n kubectl-why")), "{todo}");

    let text = muster(&cluster, &asks[..5]).await.ended(1).out;
    for part in
        ["region/eu-west in kubectl-why is not Ready, since", "Deployment/eu-west-gateway", "(12 times)", "What to do"]
    {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "an event may not steer the terminal: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_with_what_to_do() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-why-missing").await;
    let mut lacking = region::small();
    lacking["database"] = json!({ "secret": "services", "key": "postgres-url" });
    region::create(&space, "eu-west", lacking).await;
    region::wait_condition(&space, "eu-west", "Degraded", "True", "SecretMissing").await;
    let answer = muster(&cluster, &["why", "eu-west", "-n", "kubectl-why-missing", "-o", "json"]).await.ended(1).json();
    assert_eq!((reasons(&answer)[0], &answer["ready"]), ("SecretMissing", &json!("NotReady")));
    assert!(answer["todo"][0].as_str().is_some_and(|todo| todo.contains("Create the Secret")), "{answer:#}");

    let mut spec = super::autoscaler("http://127.0.0.1:1/metrics");
    spec["regionRef"]["name"] = json!("nowhere");
    apply(&cluster, "kubectl-why-missing", "RegionAutoscaler", "gateways", spec).await;
    let asks = ["why", "autoscaler/gateways", "-n", "kubectl-why-missing", "-o", "json"];
    let answer = wait_ends(&cluster, &asks, 1).await.json();
    assert!(reasons(&answer).iter().all(|reason| *reason == "RegionMissing"), "{answer:#}");
    assert!(answer["todo"][0].as_str().is_some_and(|todo| todo.contains("Make the Region")), "{answer:#}");

    let unknown = muster(&cluster, &["why", "pod/x"]).await.ended(2);
    assert!(unknown.err.contains("not a kind of Muster's"), "{unknown:?}");
    let missing = muster(&cluster, &["why", "srot/x", "-n", "kubectl-why-missing"]).await.ended(2);
    assert!(missing.err.contains("There is no SecretRotation x in namespace kubectl-why-missing"), "{missing:?}");
}
