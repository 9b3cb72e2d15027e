//! Nothing is written when nothing has changed.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use kube::{Api, ResourceExt, api::DynamicObject};
use muster_operator::{
    crd::Region,
    reconcile::conditions::{READY, holds},
    region::objects::Kind,
};
use muster_testkit::eventually;
use serde_json::json;

use crate::{
    cluster::{Cluster, Space},
    region,
};

const REGIONS: usize = 200;
const WATCHED: Duration = Duration::from_secs(60);
/// Until so many are there, on a machine that runs other tests too.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_cluster_is_not_written_to() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("steady").await;
    let mut operator = cluster.operator("steady", &[]);
    for number in 0..REGIONS {
        // Written in a way that is read back in another.
        let resources = json!({ "requests": { "cpu": "1000m", "memory": "1024Mi" } });
        let mut spec = region::small();
        spec["roles"] = json!([{ "name": "gateway", "resources": resources }, { "name": "referee", "replicas": 0 }]);
        region::create(&space, &format!("region-{number}"), spec).await;
    }
    eventually(PATIENCE, "every Region to be ready", async || {
        let regions = space.all::<Region>().list(&Default::default()).await.ok()?;
        let is_ready = |region: &Region| Some(holds(&region.status.as_ref()?.conditions, READY) == Some(true));
        let ready = regions.iter().filter(|region| is_ready(region) == Some(true)).count();
        (ready == REGIONS).then_some(())
    })
    .await;
    let counted = cluster.wait_quiet(PATIENCE).await;
    let before = versions(&space).await;
    assert!(before.len() > REGIONS * 8, "{}", before.len());
    // Nothing to wait for: that nothing comes is what is shown.
    tokio::time::sleep(WATCHED).await;
    assert_eq!(versions(&space).await, before, "something was written to a settled cluster");
    assert_eq!(cluster.writes().await, counted, "not even writes that change nothing, nor elsewhere");

    // The next operator looks at everything anew and writes nothing either.
    assert_eq!(operator.terminate().await, Some(0));
    let operator = cluster.operator("next", &[]);
    operator.wait_leading().await;
    let all = REGIONS as f64;
    let done = "muster_reconciles_total{kind=\"Region\",outcome=\"done\"}";
    eventually(PATIENCE, "every Region to be looked at", async || (operator.metric(done).await? >= all).then_some(()))
        .await;
    assert_eq!(versions(&space).await, before, "a new operator has written to a settled cluster");
    assert_eq!(cluster.writes().await, counted, "not even writes that change nothing, nor elsewhere");
}

/// The version of everything in the namespace.
async fn versions(space: &Space) -> Vec<(String, String, String)> {
    let mut versions = Vec::new();
    for kind in Kind::BUILT_IN {
        let api: Api<DynamicObject> = Api::namespaced_with(space.client.clone(), &space.name, &kind.resource());
        let objects = api.list(&Default::default()).await.expect("a list");
        versions.extend(objects.iter().map(|object| version(kind.as_str(), object)));
    }
    let regions = space.all::<Region>().list(&Default::default()).await.expect("a list");
    versions.extend(regions.iter().map(|object| version("Region", object)));
    let events = space.all::<Event>().list(&Default::default()).await.expect("a list");
    versions.extend(events.iter().map(|object| version("Event", object)));
    versions.sort();
    versions
}

fn version(kind: &str, object: &impl ResourceExt) -> (String, String, String) {
    (kind.to_owned(), object.name_any(), object.resource_version().unwrap_or_default())
}
