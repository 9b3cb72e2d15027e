//! What becomes of a RegionAutoscaler: it follows a measure, leaves alone what others decide, and writes nothing at rest. `deleted`: it
//! goes, also in the middle of its work.

mod deleted;
mod depth;
pub mod page;

use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::apis::meta::v1::Condition};
use kube::api::{Patch, PatchParams};
use muster_operator::crd::{RegionAutoscaler, region_autoscaler::RegionAutoscalerStatus};
use muster_testkit::eventually;
use serde_json::{Value, json};

use self::page::Page;
use crate::cluster::{Cluster, SOON, Space};

async fn apply(cluster: &Cluster, space: &Space, kind: &str, name: &str, spec: Value) {
    let manifest = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": kind,
        "metadata": { "name": name, "namespace": space.name }, "spec": spec,
    });
    cluster.apply(manifest).await;
}

/// Changes the spec, and waits until the operator has seen it: what the page says after this is judged by it.
async fn change(space: &Space, spec: Value) {
    let patch = Patch::Merge(json!({ "spec": spec }));
    let changed =
        space.all::<RegionAutoscaler>().patch("gateways", &PatchParams::default(), &patch).await.expect("changed");
    eventually(SOON, "the change seen", async || {
        (status(space).await.observed_generation >= changed.metadata.generation).then_some(())
    })
    .await;
}

async fn status(space: &Space) -> RegionAutoscalerStatus {
    space.all::<RegionAutoscaler>().get("gateways").await.expect("the RegionAutoscaler").status.unwrap_or_default()
}

async fn replicas(space: &Space) -> Option<i32> {
    space.all::<Deployment>().get_opt("eu-gateway").await.expect("an answer")?.spec.replicas
}

async fn wait_replicas(space: &Space, wanted: i32) {
    eventually(SOON, &format!("{wanted} gateways"), async || (replicas(space).await == Some(wanted)).then_some(()))
        .await;
}

async fn wait_condition(space: &Space, type_: &str, status_: &str, reason: &str) -> Condition {
    eventually(SOON, &format!("{type_}={status_} {reason}"), async || {
        let conditions = status(space).await.conditions;
        conditions.into_iter().find(|c| c.type_ == type_ && c.status == status_ && c.reason == reason)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_follows_the_players_and_yields_to_others() {
    let Some(cluster) = Cluster::own().await else { return };
    let operator = cluster.operator("autoscaler", &[]);
    let space = cluster.namespace("autoscaler").await;
    let page = Page::start().await;
    page.says("muster_sockets 5000\n");
    let region = json!({ "image": "muster-server:1", "roles": [{ "name": "gateway" }] });
    apply(&cluster, &space, "Region", "eu", region).await;
    apply(
        &cluster,
        &space,
        "RegionAutoscaler",
        "gateways",
        json!({
            "regionRef": { "name": "eu" }, "role": "gateway", "min": 2, "max": 8,
            "policy": { "buffer": { "playersPerReplica": 2000 } },
            "scaleDownAfter": "2s", "down": { "replicas": 1, "coolDown": "1s" },
            "metrics": { "url": page.url },
        }),
    )
    .await;

    // 5,000 at 2,000 each are three, and one to spare.
    wait_replicas(&space, 4).await;
    let told = wait_condition(&space, "Ready", "True", "Following").await;
    assert_eq!(told.message, "The number follows the policy.");
    eventually(SOON, "the status", async || {
        let status = status(&space).await;
        (status.current_replicas == Some(4) && status.desired_replicas == Some(4)).then_some(())
    })
    .await;
    let told = status(&space).await;
    assert_eq!(told.decided_by.as_deref(), Some("Buffer"));
    assert!(told.why.as_deref().is_some_and(|why| why.contains("5000 players")), "{:?}", told.why);
    assert!(told.last_scaled_up_at.is_some() && told.last_scaled_down_at.is_none());

    // The Region lets it be, and nobody writes anything while nothing changes.
    let before = space.all::<Deployment>().get("eu-gateway").await.expect("the gateways").metadata.generation;
    eventually(SOON, "rest", async || {
        let one = operator.writes().await;
        operator.wait_reconciles("RegionAutoscaler", 10.0).await;
        (one == operator.writes().await).then_some(())
    })
    .await;
    assert_eq!(space.all::<Deployment>().get("eu-gateway").await.expect("the gateways").metadata.generation, before);

    // No more than max; then down, one at a time, and no further than min.
    page.says("muster_sockets{process=\"a\"} 50000\nmuster_sockets{process=\"b\"} 50000\n");
    wait_replicas(&space, 8).await;
    wait_condition(&space, "Limited", "True", "AtMax").await;
    page.says("muster_sockets 0\n");
    let mut seen = vec![8];
    eventually(SOON, "two gateways", async || {
        let now = replicas(&space).await?;
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        (now == 2).then_some(())
    })
    .await;
    assert_eq!(seen, [8, 7, 6, 5, 4, 3, 2]);

    // A measure that cannot be had changes nothing, and is told.
    page.says("");
    wait_condition(&space, "Degraded", "True", "MeasureUnknown").await;
    assert_eq!(replicas(&space).await, Some(2));

    // A dry run only says it.
    change(&space, json!({ "dryRun": true })).await;
    page.says("muster_sockets 9000\n");
    wait_condition(&space, "Ready", "True", "DryRun").await;
    eventually(SOON, "the wish", async || (status(&space).await.desired_replicas == Some(6)).then_some(())).await;
    assert_eq!(replicas(&space).await, Some(2));
    change(&space, json!({ "dryRun": false })).await;
    wait_replicas(&space, 6).await;

    // What a person sets stays, until they let go of it.
    let person = PatchParams { field_manager: Some("kubectl-scale".to_owned()), ..PatchParams::default() };
    let deployments = space.all::<Deployment>();
    deployments
        .patch("eu-gateway", &person, &Patch::Merge(json!({ "spec": { "replicas": 3 } })))
        .await
        .expect("scaled");
    let told = wait_condition(&space, "Ready", "False", "OwnedByOthers").await;
    assert!(told.message.contains("kubectl-scale"), "{}", told.message);
    page.says("muster_sockets 1000\n");
    eventually(SOON, "the wish", async || (status(&space).await.desired_replicas == Some(2)).then_some(())).await;
    assert_eq!(replicas(&space).await, Some(3));

    // The clock, in a chain with a measure that cannot be had: always open.
    change(
        &space,
        json!({ "policy": { "buffer": null, "chain": [
            { "queueDepth": { "ticketsPerReplica": 100 } },
            { "schedule": { "windows": [{ "name": "always", "start": "* * * * *", "length": "1h", "replicas": 5 }] } },
        ] } }),
    )
    .await;
    eventually(SOON, "the window", async || {
        (status(&space).await.decided_by.as_deref() == Some("Schedule")).then_some(())
    })
    .await;
    let told = wait_condition(&space, "Degraded", "True", "MeasureUnknown").await;
    assert!(told.message.contains("muster_tickets_waiting"), "{}", told.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_followed_and_its_error_shown() {
    let Some(cluster) = Cluster::own().await else { return };
    let _operator = cluster.operator("forecast", &[]);
    let space = cluster.namespace("forecast").await;
    let page = Page::start().await;
    // Two weeks in which every hour had as many players: 3,000, and the last day 3,300.
    page.remembers(|age| if age <= 86_400 { 3_300.0 } else { 3_000.0 });
    let region = json!({ "image": "muster-server:1", "roles": [{ "name": "gateway" }] });
    apply(&cluster, &space, "Region", "eu", region).await;
    apply(
        &cluster,
        &space,
        "RegionAutoscaler",
        "gateways",
        json!({
            "regionRef": { "name": "eu" }, "role": "gateway", "max": 20,
            "policy": { "predictive": { "playersPerReplica": 500, "query": "sum(muster_sockets)" } },
            "metrics": { "prometheus": page.origin },
        }),
    )
    .await;
    // 3,300 and the little that it was off lately, at 500 each.
    wait_replicas(&space, 7).await;
    let told = eventually(SOON, "the status", async || {
        let status = status(&space).await;
        (status.decided_by.as_deref() == Some("Predictive")).then_some(status)
    })
    .await;
    assert!(told.forecast_error_percent.is_some_and(|percent| percent <= 3), "{:?}", told.forecast_error_percent);
    page.forgets();
    wait_condition(&space, "Degraded", "True", "MeasureUnknown").await;
    assert_eq!(replicas(&space).await, Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_for_one_role_the_elder_decides() {
    let Some(cluster) = Cluster::own().await else { return };
    let operator = cluster.operator("two-autoscalers", &[]);
    let space = cluster.namespace("two-autoscalers").await;
    let region = json!({ "image": "muster-server:1", "roles": [{ "name": "gateway" }] });
    apply(&cluster, &space, "Region", "eu", region).await;
    let always = |replicas: i32| {
        json!({
            "regionRef": { "name": "eu" }, "role": "gateway", "max": 9, "scaleDownAfter": "0s",
            "up": { "replicas": 9 }, "down": { "replicas": 9, "coolDown": "0s" },
            "policy": { "schedule": { "windows": [
                { "name": "always", "start": "* * * * *", "length": "1h", "replicas": replicas },
            ] } },
        })
    };
    apply(&cluster, &space, "RegionAutoscaler", "first", always(5)).await;
    wait_replicas(&space, 5).await;
    apply(&cluster, &space, "RegionAutoscaler", "gateways", always(3)).await;
    let told = wait_condition(&space, "Ready", "False", "AnotherAutoscaler").await;
    assert!(told.message.contains("RegionAutoscaler first is older"), "{}", told.message);
    operator.wait_reconciles("RegionAutoscaler", 10.0).await;
    assert_eq!(replicas(&space).await, Some(5));
    // When that one only reports, this one decides.
    let patch = Patch::Merge(json!({ "spec": { "dryRun": true } }));
    space.all::<RegionAutoscaler>().patch("first", &PatchParams::default(), &patch).await.expect("changed");
    wait_replicas(&space, 3).await;
    wait_condition(&space, "Ready", "True", "Following").await;
}
