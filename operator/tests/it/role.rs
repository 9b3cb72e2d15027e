//! The shipped role is exactly what is used. That nothing is missing, every other test shows: they run with nothing else.

use std::{collections::BTreeSet, path::Path};

use k8s_openapi::api::{core::v1::Secret, rbac::v1::ClusterRole};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject},
};
use muster_operator::{crd::Region, region::objects::Kind};
use muster_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, SOON},
    region,
};

type Permission = (String, String, String);

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_of_the_shipped_role_is_unused() {
    let Some(cluster) = Cluster::own().await else { return };
    let monitors = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pod_monitors.yaml"));
    let monitors: Value = serde_yaml_ng::from_str(&monitors.expect("the definition")).expect("YAML");
    cluster.apply(monitors).await;
    let monitors: Api<DynamicObject> = Api::all_with(cluster.client().await, &Kind::PodMonitor.resource());
    eventually(SOON, "PodMonitors to be known", async || monitors.list(&Default::default()).await.ok()).await;
    let operator = cluster.operator("role", &[]);
    let space = cluster.namespace("role").await;

    // All it can do with a Region: make everything, with a Secret; take a role away; let it go.
    space.all::<Secret>().create(&Default::default(), &region::secret("db", "url")).await.expect("a Secret");
    let mut spec = region::small();
    spec["database"] = json!({ "secret": "db", "key": "url" });
    spec["roles"] = json!([{ "name": "gateway" }, { "name": "writer" }]);
    region::create(&space, "eu-west", spec).await;
    region::wait_ready(&space, "eu-west").await;
    let fewer = json!({ "spec": { "state": "Disabled", "roles": [{ "name": "referee", "replicas": 0 }] } });
    region::change(&space, "eu-west", fewer).await;
    region::wait_ready(&space, "eu-west").await;
    let mut events =
        space.all::<k8s_openapi::api::events::v1::Event>().list(&Default::default()).await.expect("events");
    events.items.retain(|event| event.reason.as_deref() == Some("AllReady"));
    assert_eq!(events.items.len(), 1, "Ready is told once");
    space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    region::wait_gone(&space, "eu-west").await;
    // The same event again within minutes is counted on the first.
    for image in ["muster-server:2", "muster-server:3"] {
        region::create(&space, "again", region::small()).await;
        region::wait_ready(&space, "again").await;
        region::change(&space, "again", json!({ "spec": { "image": image } })).await;
        region::wait_ready(&space, "again").await;
        region::change(&space, "again", json!({ "spec": { "state": "Disabled" } })).await;
        region::wait_condition(&space, "again", "Ready", "True", "Disabled").await;
        region::change(&space, "again", json!({ "spec": { "state": "Active" } })).await;
        region::wait_condition(&space, "again", "Ready", "True", "AllReady").await;
    }

    let (allowed, used) = (allowed(&cluster).await, used(&operator.metrics().await.expect("metrics")));
    let unused: Vec<_> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "the shipped role allows what nobody needed: {unused:?}\nused: {used:?}");
}

async fn allowed(cluster: &Cluster) -> BTreeSet<Permission> {
    let roles: Api<ClusterRole> = Api::all(cluster.client().await);
    let role = roles.get("muster-operator-regions").await.expect("the shipped role");
    assert!(role.aggregation_rule.is_none() && !role.name_any().is_empty());
    let mut allowed = BTreeSet::new();
    for rule in role.rules.unwrap_or_default() {
        for group in rule.api_groups.unwrap_or_default() {
            for resource in rule.resources.clone().unwrap_or_default() {
                allowed.extend(rule.verbs.iter().map(|verb| (verb.clone(), group.clone(), resource.clone())));
            }
        }
    }
    allowed
}

/// What the operator counted. A server-side apply is a patch that needs `create` too, where it makes the object.
fn used(metrics: &str) -> BTreeSet<Permission> {
    let mut used = BTreeSet::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix("muster_operator_api_calls_total{")) {
        let label = |name: &str| {
            let at = line.find(&format!("{name}=\"")).expect("a label") + name.len() + 2;
            line[at..].split('"').next().unwrap_or_default().to_owned()
        };
        let (verb, group, resource) = (label("verb"), label("group"), label("resource"));
        if verb == "patch" && group != "muster.dev" && resource != "events" {
            used.insert(("create".to_owned(), group.clone(), resource.clone()));
        }
        used.insert((verb, group, resource));
    }
    used
}
