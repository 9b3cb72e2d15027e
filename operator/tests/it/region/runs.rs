use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::ResourceExt;
use muster_testkit::eventually;
use serde_json::json;

use super::{change, create, get, kubectl, small, wait_ready};
use crate::cluster::{Cluster, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn a_region_runs() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("runs").await;
    let spec = json!({ "image": "muster-server:1", "replicas": 2, "roles": [{ "name": "gateway" }, { "name": "referee", "replicas": 1 }] });
    create(&space, "eu-west", spec).await;
    kubectl(&cluster, &["-n", "runs", "wait", "region/eu-west", "--for=condition=Ready", "--timeout=30s"]).await;

    let region = get(&space, "eu-west").await;
    let status = region.status.clone().expect("a status");
    assert_eq!((status.replicas, status.ready_replicas, status.observed_generation), (Some(3), Some(3), Some(1)));
    let gateway = space.all::<Deployment>().get("eu-west-gateway").await.expect("the gateways");
    assert_eq!(gateway.owner_references()[0].uid, region.uid().expect("a uid"));
    assert_eq!(gateway.spec.replicas, Some(2));
    space.all::<ServiceAccount>().get("eu-west").await.expect("the account");
    space.all::<NetworkPolicy>().get("eu-west").await.expect("the policy");
    space.all::<PodDisruptionBudget>().get("eu-west-referee").await.expect("the budget");
    let ops = space.all::<Service>().get("eu-west-ops").await.expect("the addresses");
    assert_eq!(ops.spec.and_then(|spec| spec.cluster_ip).as_deref(), Some("None"));
    let settings = space.all::<ConfigMap>().get("eu-west").await.expect("the settings").data.expect("entries");
    assert!(settings["muster.toml"].contains("grace = \"25s\""), "{settings:?}");

    let shown = kubectl(&cluster, &["-n", "runs", "get", "rgn"]).await;
    assert!(shown.contains("Active") && shown.contains("True"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_rolled_out() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("changes").await;
    let mut spec = small();
    spec["roles"] = json!([{ "name": "gateway" }, { "name": "writer" }]);
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;

    change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2", "roles": [{ "name": "gateway" }] } }))
        .await;
    let region = wait_ready(&space, "eu-west").await;
    assert_eq!(region.status.and_then(|status| status.observed_generation), Some(2));
    let deployments = space.all::<Deployment>();
    let gateway = deployments.get("eu-west-gateway").await.expect("the gateways");
    let image = gateway.spec.template.spec.and_then(|pod| pod.containers[0].image.clone());
    assert_eq!(image.as_deref(), Some("muster-server:2"));
    eventually(SOON, "the writers to be gone", async || {
        let gone = deployments.get_opt("eu-west-writer").await.ok()?.is_none();
        let budget = space.all::<PodDisruptionBudget>().get_opt("eu-west-writer").await.ok()?;
        (gone && budget.is_none()).then_some(())
    })
    .await;

    // The scale subresource: what has no count of its own follows the Region's.
    kubectl(&cluster, &["-n", "changes", "scale", "region/eu-west", "--replicas=3"]).await;
    wait_ready(&space, "eu-west").await;
    let scale = space.all::<muster_operator::crd::Region>().get_scale("eu-west").await.expect("a scale");
    let status = scale.status.expect("its status");
    assert_eq!((status.replicas, status.selector.as_deref()), (3, Some("muster.dev/region=eu-west")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_the_maintenance_window() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("maintenance").await;
    let mut spec = small();
    // The 29th of February: closed whenever this runs, but for one minute in four years.
    spec["maintenance"] = json!({ "start": "0 0 29 2 *", "length": "1m" });
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2", "replicas": 2 } })).await;
    super::wait_condition(&space, "eu-west", "Progressing", "True", "WaitingForMaintenance").await;
    let spec = space.all::<Deployment>().get("eu-west-gateway").await.expect("the gateways").spec;
    let image = spec.template.spec.and_then(|pod| pod.containers[0].image.clone());
    assert_eq!((image.as_deref(), spec.replicas), (Some("muster-server:1"), Some(2)), "more of the same may start");

    change(&space, "eu-west", json!({ "spec": { "maintenance": null } })).await;
    super::wait_condition(&space, "eu-west", "Progressing", "False", "Settled").await;
    let spec = space.all::<Deployment>().get("eu-west-gateway").await.expect("the gateways").spec;
    let image = spec.template.spec.and_then(|pod| pod.containers[0].image.clone());
    assert_eq!(image.as_deref(), Some("muster-server:2"));
}
