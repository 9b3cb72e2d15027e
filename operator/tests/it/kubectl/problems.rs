use std::path::Path;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, api::DeleteParams};
use muster_testkit::eventually;
use serde_json::json;

use super::{kubeconfig, muster, run};
use crate::{
    cluster::{Cluster, SOON},
    region,
};

#[tokio::test]
async fn without_a_cluster_it_says_what_to_set() {
    let nowhere = Path::new("/nowhere/kubeconfig");
    let told = run(nowhere, &["status"]).await.ended(2);
    assert!(told.err.starts_with("error: No cluster is configured") && told.err.contains("--kubeconfig"), "{told:?}");
    assert!(told.out.is_empty(), "{told:?}");
    let help = run(nowhere, &["--help"]).await.ended(0);
    assert!(help.out.contains("kubectl muster drain eu-west") && help.out.contains("Exit codes"), "{help:?}");
    let wrong = run(nowhere, &["drian", "eu-west"]).await.ended(2);
    assert!(wrong.err.contains("drain"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_addresses_and_rights_are_named() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-problems").await;
    let unknown = muster(&cluster, &["status", "--context", "prod"]).await.ended(2);
    assert!(unknown.err.contains("no context prod") && unknown.err.contains("It has: test."), "{unknown:?}");

    let silent = kubeconfig(&cluster, "silent", |config| {
        config["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    });
    let told = run(&silent, &["status"]).await.ended(2);
    assert!(told.err.contains("https://127.0.0.1:1 does not answer") && told.err.contains("cluster-info"), "{told:?}");

    let stranger = kubeconfig(&cluster, "stranger", |config| config["users"][0]["user"]["token"] = json!("wrong"));
    let told = run(&stranger, &["status"]).await.ended(2);
    assert!(told.err.contains("does not know you"), "{told:?}");

    region::create(&space, "eu-west", region::small()).await;
    let guest = kubeconfig(&cluster, "guest", |config| config["users"][0]["user"]["as"] = json!("guest"));
    let told = run(&guest, &["status", "-n", "kubectl-problems"]).await.ended(2);
    assert!(told.err.contains("You may not list") && told.err.contains("kubectl auth can-i"), "{told:?}");
    let told = run(&guest, &["drain", "eu-west", "-n", "kubectl-problems"]).await.ended(2);
    assert!(told.err.contains("You may not read Region eu-west in namespace kubectl-problems"), "{told:?}");

    let missing = muster(&cluster, &["drain", "eu-wset", "-n", "kubectl-problems"]).await.ended(2);
    assert!(
        missing.err.contains("There is no Region eu-wset") && missing.err.contains("There are: eu-west"),
        "{missing:?}"
    );
    region::create(&space, "nowhere-else", region::small()).await;
    let elsewhere = muster(&cluster, &["drain", "nowhere-else", "-n", "nowhere"]).await.ended(2);
    assert!(elsewhere.err.contains("there are: kubectl-problems/nowhere-else."), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_muster_is_told_from_one_without_regions() {
    let Some(cluster) = Cluster::own().await else { return };
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client().await);
    definitions.delete("regions.muster.dev", &DeleteParams::default()).await.expect("deleted");
    // It goes on to be served for a moment.
    let told = eventually(SOON, "the definition to be gone", async || {
        let told = muster(&cluster, &["status"]).await.ended(2);
        (!told.err.is_empty()).then_some(told)
    })
    .await;
    assert!(
        told.err.contains("does not know regions.muster.dev") && told.err.contains("muster-operator crds"),
        "{told:?}"
    );
    let told = muster(&cluster, &["drain", "eu-west"]).await.ended(2);
    assert!(told.err.contains("Muster is not installed there"), "{told:?}");
}
