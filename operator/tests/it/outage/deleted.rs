use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use kube::{
    Resource,
    api::{DeleteParams, Patch, PatchParams},
};
use muster_operator::crd::Region;
use muster_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, SOON},
    region,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_deleted_in_the_middle_of_a_roll_out_goes_with_everything() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("middle").await;
    let _operator = cluster.operator("middle", &[]);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;

    // A roll-out that hangs.
    let never = |value: Value| json!({ "spec": { "template": { "metadata": { "annotations": { "kube.test/never-ready": value } } } } });
    let deployments = space.all::<Deployment>();
    let by_hand = PatchParams { field_manager: Some("somebody-else".to_owned()), ..PatchParams::default() };
    deployments.patch("eu-west-gateway", &by_hand, &Patch::Merge(never(json!("true")))).await.expect("changed");
    region::change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2" } })).await;
    region::wait_condition(&space, "eu-west", "Ready", "False", "RollingOut").await;
    let old = space.all::<Region>().get("eu-west").await.expect("the Region").meta().uid.clone();
    space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    region::wait_gone(&space, "eu-west").await;
    eventually(SOON, "everything to be gone", async || {
        let services = space.all::<Service>().list(&Default::default()).await.ok()?;
        let settings = space.all::<ConfigMap>().get_opt("eu-west").await.ok()?;
        (services.items.is_empty() && settings.is_none()).then_some(())
    })
    .await;

    // One of the same name that is made and deleted over and over ends as it was last wanted.
    for number in 0..5 {
        region::create(&space, "eu-west", region::small()).await;
        if number % 2 == 0 {
            let deployment = async || deployments.get_opt("eu-west-gateway").await.ok()?;
            eventually(SOON, "the gateways", deployment).await;
        }
        space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
        eventually(SOON, "the Region to be gone", async || {
            space.all::<Region>().get_opt("eu-west").await.ok()?.is_none().then_some(())
        })
        .await;
    }
    region::create(&space, "eu-west", region::small()).await;
    let region = region::wait_ready(&space, "eu-west").await;
    assert_ne!(region.meta().uid, old);
    let gateways = deployments.get("eu-west-gateway").await.expect("the gateways");
    let owners = gateways.meta().owner_references.clone().expect("an owner");
    assert_eq!(Some(&owners[0].uid), region.meta().uid.as_ref(), "they belong to the one that is there now");
}
