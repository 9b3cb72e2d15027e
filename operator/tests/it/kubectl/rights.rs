use kube::ResourceExt;
use muster_operator::crd::{RegionAutoscaler, SecretRotation};
use serde_json::{Value, json};

use super::{apply, autoscaler, kubeconfig, run};
use crate::{
    cluster::{Cluster, Space},
    region,
};

/// Lets `onlooker` read everything of Muster's in a namespace, and Deployments, and write only one kind of Muster's.
async fn may_look(cluster: &Cluster, namespace: &str, and_write: &str) {
    let rbac = |kind: &str, rest: Value| {
        let mut manifest = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": { "name": "onlooker", "namespace": namespace },
        });
        for (key, value) in rest.as_object().expect("fields") {
            manifest[key] = value.clone();
        }
        manifest
    };
    let rule = |group: &str, resources: &str, verbs: &[&str]| json!({ "apiGroups": [group], "resources": [resources], "verbs": verbs });
    let look = ["get", "list"];
    let rules =
        [rule("muster.dev", "*", &look), rule("apps", "deployments", &look), rule("muster.dev", and_write, &["patch"])];
    cluster.apply(rbac("Role", json!({ "rules": rules }))).await;
    let binding = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "onlooker" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "onlooker" }],
    });
    cluster.apply(rbac("RoleBinding", binding)).await;
}

/// Of everything that might be changed.
async fn versions(space: &Space) -> [Option<String>; 4] {
    [
        region::get(space, "eu-west").await.resource_version(),
        region::get(space, "us-east").await.resource_version(),
        space.all::<RegionAutoscaler>().get("gateways").await.expect("it is there").resource_version(),
        space.all::<SecretRotation>().get("pepper").await.expect("it is there").resource_version(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_is_told_what_is_missing_and_changes_nothing() {
    // Without an operator: nobody else changes anything.
    let Some(cluster) = Cluster::own().await else { return };
    let here = "kubectl-rights";
    let space = cluster.namespace(here).await;
    region::create(&space, "eu-west", region::small()).await;
    region::create(&space, "us-east", region::small()).await;
    apply(&cluster, here, "RegionAutoscaler", "gateways", autoscaler("http://127.0.0.1:1/metrics")).await;
    let pepper = json!({
        "source": { "vaultKv": { "path": "muster/app", "key": "pepper" } },
        "target": { "secret": "app", "key": "pepper" },
    });
    apply(&cluster, here, "SecretRotation", "pepper", pepper).await;
    region::change(&space, "us-east", json!({ "spec": { "state": "Draining" } })).await;
    let onlooker = kubeconfig(&cluster, "onlooker", |config| config["users"][0]["user"]["as"] = json!("onlooker"));

    let before = versions(&space).await;

    // Who may not even look.
    for words in [&["rotate", "pepper"][..], &["drain", "eu-west"], &["scale", "us-east", "gateway", "2"]] {
        let told = run(&onlooker, &[words, &["-n", here]].concat()).await.ended(2);
        assert!(told.err.contains("You may not read") && told.err.contains("cannot get resource"), "{told:?}");
    }

    for (words, writes, what, right) in [
        (&["drain", "eu-west"][..], "secretrotations", "Region eu-west", "regions"),
        (&["undrain", "us-east"], "secretrotations", "Region us-east", "regions"),
        (&["scale", "us-east", "gateway", "2"], "secretrotations", "Region us-east", "regions"),
        (&["rotate", "pepper"], "regions", "SecretRotation pepper", "secretrotations"),
        // What takes two rights is not done by half with one of them.
        (&["scale", "eu-west", "gateway", "2", "--force"], "regionautoscalers", "Region eu-west", "regions"),
        (&["scale", "eu-west", "gateway", "2", "--force"], "regions", "RegionAutoscaler gateways", "regionautoscalers"),
    ] {
        may_look(&cluster, here, writes).await;
        let told = run(&onlooker, &[words, &["-n", here]].concat()).await.ended(2);
        let first = format!("error: You may not change {what} in namespace {here}: ");
        let right = format!("cannot patch resource \"{right}\"");
        for part in
            [first.as_str(), "\"onlooker\"", right.as_str(), "for a role that allows it", "kubectl auth can-i --list"]
        {
            assert!(told.err.contains(part), "{part:?} is not in {told:?}");
        }
        assert!(told.out.is_empty(), "{told:?}");
    }
    assert_eq!(versions(&space).await, before, "something was changed");
}
