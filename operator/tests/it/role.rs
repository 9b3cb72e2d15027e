//! The shipped roles are exactly what is used. That nothing is missing, every other test shows: they run with nothing else.

use std::{collections::BTreeSet, path::Path};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::Secret,
    rbac::v1::{ClusterRole, PolicyRule, Role, RoleBinding},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject},
};
use muster_operator::{
    crd::{Region, RegionAutoscaler},
    region::objects::Kind,
    rotation::ROTATE,
};
use muster_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    autoscaler::page::Page,
    cluster::{Cluster, SOON, Space},
    region,
    rotation::{self, vault::Vault},
};

type Permission = (String, String, String);

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_of_the_shipped_roles_is_unused() {
    let Some(cluster) = Cluster::own().await else { return };
    let monitors = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pod_monitors.yaml"));
    let monitors: Value = serde_yaml_ng::from_str(&monitors.expect("the definition")).expect("YAML");
    cluster.apply(monitors).await;
    let monitors: Api<DynamicObject> = Api::all_with(cluster.client().await, &Kind::PodMonitor.resource());
    eventually(SOON, "PodMonitors to be known", async || monitors.list(&Default::default()).await.ok()).await;
    let vault = Vault::new("role").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("role", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("role").await;
    use_regions(&space).await;
    use_a_rotation(&cluster, &space, &vault).await;
    use_an_autoscaler(&cluster, &space).await;

    let used = used(&operator.metrics().await.expect("metrics"));
    for (role, allowed) in shipped(&cluster).await {
        let unused: Vec<_> = allowed.difference(&used).collect();
        assert!(unused.is_empty(), "{role} allows what nobody needed: {unused:?}\nused: {used:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_does_not_let_the_operator_read_secrets_is_told_so_and_still_has_regions() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("roleless").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("roleless", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("roleless").await;
    space.all::<RoleBinding>().delete("muster-operator-secrets", &DeleteParams::default()).await.expect("taken away");
    let mut spec = region::small();
    spec["database"] = json!({ "secret": "db", "key": "url" });
    region::create(&space, "eu-west", spec).await;
    region::wait_ready(&space, "eu-west").await;
    rotation::create(&cluster, &space, "token", token(&vault, &[])).await;
    let condition = rotation::wait_condition(&space, "token", "Degraded", "True", "Forbidden").await;
    assert!(condition.message.contains("secrets"), "{}", condition.message);
    let lists = ["list", "watch"].map(|verb| (verb.to_owned(), String::new(), "secrets".to_owned()));
    let used = used(&operator.metrics().await.expect("metrics"));
    assert!(lists.iter().all(|list| !used.contains(list)), "nobody lists Secrets: {used:?}");
}

/// All it can do with a Region: make everything, with a Secret; take a role away; let it go.
async fn use_regions(space: &Space) {
    space.all::<Secret>().create(&Default::default(), &region::secret("db", "url")).await.expect("a Secret");
    let mut spec = region::small();
    spec["database"] = json!({ "secret": "db", "key": "url" });
    spec["roles"] = json!([{ "name": "gateway" }, { "name": "writer" }]);
    region::create(space, "eu-west", spec).await;
    region::wait_ready(space, "eu-west").await;
    let fewer = json!({ "spec": { "state": "Disabled", "roles": [{ "name": "referee", "replicas": 0 }] } });
    region::change(space, "eu-west", fewer).await;
    region::wait_ready(space, "eu-west").await;
    let mut events =
        space.all::<k8s_openapi::api::events::v1::Event>().list(&Default::default()).await.expect("events");
    events.items.retain(|event| event.reason.as_deref() == Some("AllReady"));
    assert_eq!(events.items.len(), 1, "Ready is told once");
    space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    region::wait_gone(space, "eu-west").await;
    // The same event again within minutes is counted on the first.
    for image in ["muster-server:2", "muster-server:3"] {
        region::create(space, "again", region::small()).await;
        region::wait_ready(space, "again").await;
        region::change(space, "again", json!({ "spec": { "image": image } })).await;
        region::wait_ready(space, "again").await;
        region::change(space, "again", json!({ "spec": { "state": "Disabled" } })).await;
        region::wait_condition(space, "again", "Ready", "True", "Disabled").await;
        region::change(space, "again", json!({ "spec": { "state": "Active" } })).await;
        region::wait_condition(space, "again", "Ready", "True", "AllReady").await;
    }
}

/// The value of a rotation, and the workloads that read it.
fn token(vault: &Vault, restart: &[Value]) -> Value {
    json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "token" } },
        "target": { "secret": "app", "key": "token" },
        "overlap": "1m",
        "restart": restart,
    })
}

/// Rotates once, with a workload of each kind.
async fn use_a_rotation(cluster: &Cluster, space: &Space, vault: &Vault) {
    rotation::deploy(space, "app", 1).await;
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "set", "namespace": space.name },
        "spec": {
            "replicas": 1, "serviceName": "set",
            "selector": { "matchLabels": { "app": "set" } },
            "template": {
                "metadata": { "labels": { "app": "set" } },
                "spec": { "containers": [{ "name": "app", "image": "app:1" }] },
            },
        },
    });
    cluster.apply(set).await;
    let workloads = ["Deployment/app", "StatefulSet/set"].map(|workload| {
        let (kind, name) = workload.split_once('/').expect("a kind and a name");
        json!({ "kind": kind, "name": name })
    });
    rotation::create(cluster, space, "token", token(vault, &workloads)).await;
    rotation::wait_idle(space, "token", 1).await;
    rotation::annotate(space, "token", ROTATE).await;
    rotation::end_overlap(space, "token").await;
    rotation::wait_idle(space, "token", 2).await;
}

/// Scales a role once.
async fn use_an_autoscaler(cluster: &Cluster, space: &Space) {
    let page = Page::start().await;
    page.says("muster_sockets 5000\n");
    region::create(space, "scaled", region::small()).await;
    let spec = json!({
        "regionRef": { "name": "scaled" }, "role": "gateway", "min": 1, "max": 8,
        "policy": { "buffer": { "playersPerReplica": 2000 } },
        "metrics": { "url": page.url },
    });
    let manifest = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "RegionAutoscaler",
        "metadata": { "name": "gateways", "namespace": space.name }, "spec": spec,
    });
    cluster.apply(manifest).await;
    let deployments = space.all::<Deployment>();
    eventually(SOON, "four gateways", async || {
        let deployment = deployments.get_opt("scaled-gateway").await.expect("an answer")?;
        (deployment.spec.replicas == Some(4)).then_some(())
    })
    .await;
    let autoscalers = space.all::<RegionAutoscaler>();
    eventually(SOON, "the status", async || autoscalers.get("gateways").await.ok()?.status?.desired_replicas).await;
}

/// What each shipped role allows.
async fn shipped(cluster: &Cluster) -> Vec<(String, BTreeSet<Permission>)> {
    let client = cluster.client().await;
    let cluster_roles: Api<ClusterRole> = Api::all(client.clone());
    let roles: Api<Role> = Api::namespaced(client, "muster-system");
    let mut shipped = Vec::new();
    for role in cluster_roles.list(&Default::default()).await.expect("the roles") {
        let name = role.name_any();
        if name.starts_with("muster-operator") {
            assert!(role.aggregation_rule.is_none(), "{name}");
            shipped.push((name, allowed(role.rules)));
        }
    }
    for role in roles.list(&Default::default()).await.expect("the roles") {
        shipped.push((role.name_any(), allowed(role.rules)));
    }
    let names: Vec<_> = shipped.iter().map(|(name, _)| name.trim_start_matches("muster-operator-")).collect();
    assert_eq!(names, ["autoscaler", "regions", "rotation", "secrets", "lease"]);
    shipped
}

fn allowed(rules: Option<Vec<PolicyRule>>) -> BTreeSet<Permission> {
    let mut allowed = BTreeSet::new();
    for rule in rules.unwrap_or_default() {
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
