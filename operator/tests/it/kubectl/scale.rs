use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use muster_operator::crd::RegionAutoscaler;
use muster_testkit::eventually;
use serde_json::json;

use super::{apply, autoscaler, muster};
use crate::{
    autoscaler::page::Page,
    cluster::{Cluster, SOON, Space},
    region,
};

async fn wait_gateways(space: &Space, wanted: i32) {
    eventually(SOON, &format!("{wanted} gateways"), async || (gateways(space).await == Some(wanted)).then_some(()))
        .await;
}

async fn gateways(space: &Space) -> Option<i32> {
    space.all::<Deployment>().get_opt("eu-west-gateway").await.expect("an answer")?.spec.replicas
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_goes_through_the_region() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-scale").await;
    region::create(&space, "eu-west", region::with_matches("127.0.0.1:1")).await;
    region::wait_ready(&space, "eu-west").await;
    let told =
        muster(&cluster, &["scale", "eu-west", "gateway", "3", "-n", "kubectl-scale", "-o", "json"]).await.ended(0);
    assert_eq!((&told.json()["outcome"], &told.json()["before"]), (&json!("Scaled"), &json!(null)));
    assert_eq!(gateways(&space).await, Some(3));
    let roles = region::get(&space, "eu-west").await.spec.roles;
    let counts: Vec<_> = roles.iter().map(|role| (role.name.as_str(), role.replicas)).collect();
    assert_eq!(counts, [("gateway", Some(3)), ("matchmaker", None), ("referee", Some(2))]);

    // What a person has set on the Deployment is theirs.
    let person = PatchParams { field_manager: Some("kubectl-scale".to_owned()), ..PatchParams::default() };
    let five = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    space.all::<Deployment>().patch_scale("eu-west-gateway", &person, &five).await.expect("scaled");
    let refused = muster(&cluster, &["scale", "eu-west", "gateway", "2", "-n", "kubectl-scale"]).await.ended(1);
    assert!(refused.err.contains("kubectl-scale has set the number") && refused.err.contains("--force"), "{refused:?}");
    assert_eq!(gateways(&space).await, Some(5));
    muster(&cluster, &["scale", "eu-west", "gateway", "2", "-n", "kubectl-scale", "--force"]).await.ended(0);
    assert_eq!(gateways(&space).await, Some(2));
    // From then on it is the Region's again.
    muster(&cluster, &["scale", "eu-west", "gateway", "4", "-n", "kubectl-scale"]).await.ended(0);

    let unknown = muster(&cluster, &["scale", "eu-west", "writer", "1", "-n", "kubectl-scale"]).await.ended(1);
    assert!(unknown.err.contains("does not run the role writer") && unknown.err.contains("referee"), "{unknown:?}");
    let none = muster(&cluster, &["scale", "eu-west", "gateway", "0", "-n", "kubectl-scale"]).await.ended(1);
    assert!(none.err.contains("at least one replica"), "{none:?}");
    muster(&cluster, &["scale", "eu-west", "gateway", "many"]).await.ended(2);
    region::change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    let stored =
        muster(&cluster, &["scale", "eu-west", "referee", "5", "-n", "kubectl-scale", "-o", "json"]).await.ended(0);
    assert_eq!(stored.json()["outcome"], "Stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_is_not_overruled_without_force() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-scale-auto").await;
    let page = Page::start().await;
    page.says("muster_sockets 1500\n");
    region::create(&space, "eu-west", region::small()).await;
    apply(&cluster, "kubectl-scale-auto", "RegionAutoscaler", "gateways", autoscaler(&page.url)).await;
    wait_gateways(&space, 3).await;
    let six = ["scale", "eu-west", "gateway", "6", "-n", "kubectl-scale-auto", "-o", "json", "--force"];
    let refused = muster(&cluster, &six[..6]).await.ended(1);
    assert!(refused.err.contains("RegionAutoscaler gateways decides"), "{refused:?}");
    assert_eq!(gateways(&space).await, Some(3));

    let told = muster(&cluster, &six).await.ended(0);
    assert_eq!(told.json()["paused"], json!(["gateways"]));
    assert!(told.err.contains("kubectl annotate rgas gateways -n kubectl-scale-auto muster.dev/paused-"), "{told:?}");
    assert_eq!(gateways(&space).await, Some(6));
    // It stays so, whatever the page says.
    page.says("muster_sockets 3500\n");
    let condition = async || {
        let status = space.all::<RegionAutoscaler>().get("gateways").await.ok()?.status?;
        status.conditions.into_iter().find(|condition| condition.reason == "Paused")
    };
    eventually(SOON, "the pause to be told", condition).await;
    assert_eq!(gateways(&space).await, Some(6));
    // Without the annotation it decides again.
    let go_on = Patch::Merge(json!({ "metadata": { "annotations": { "muster.dev/paused": null } } }));
    space.all::<RegionAutoscaler>().patch("gateways", &PatchParams::default(), &go_on).await.expect("changed");
    page.says("muster_sockets 6500\n");
    wait_gateways(&space, 8).await;
}
