use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Service},
        events::v1::Event,
    },
    jiff::Timestamp,
};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use muster_operator::crd::{Region, region::DrainStatus};
use muster_testkit::eventually;
use serde_json::json;
use tokio::net::TcpListener;

use super::{change, create, get as region, small, wait_condition, wait_gone, wait_ready, with_matches};
use crate::cluster::{Cluster, SOON, Space};

/// What keeps a pod that was deleted: nothing else lasts in a cluster that starts no containers.
const HELD: &str = "kube.test/held";
/// Of referees that do not tell.
const SILENT: i64 = -1;

/// Referees that tell how many matches they own, as `muster-server` does.
async fn referees() -> (String, Arc<AtomicI64>) {
    let matches = Arc::new(AtomicI64::new(0));
    let told = matches.clone();
    let router = Router::new().route(
        "/metrics",
        get(move || {
            let matches = told.load(Ordering::SeqCst);
            async move {
                let page = format!("# TYPE muster_referee_matches gauge\nmuster_referee_matches {matches}\n");
                if matches == SILENT { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(page) }
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, matches)
}

async fn wait_left(space: &Space, name: &str, left: i64) {
    let regions = space.all::<Region>();
    eventually(SOON, &format!("{left} matches to be left"), async || {
        let drain = regions.get(name).await.ok()?.status?.drain?;
        (drain.matches_left == Some(left)).then_some(())
    })
    .await;
}

/// Waits until the drain is so.
async fn wait_drain(space: &Space, name: &str, what: &str, so: impl Fn(&DrainStatus) -> bool) -> DrainStatus {
    let regions = space.all::<Region>();
    let drain = async || regions.get(name).await.ok()?.status?.drain.filter(&so);
    eventually(SOON, what, drain).await
}

/// Keeps the pods of a Deployment when they are deleted, or lets them go.
async fn hold(space: &Space, deployment: &str, held: bool) {
    let pods = space.all::<Pod>();
    let finalizers = if held { json!([HELD]) } else { json!(null) };
    for pod in pods.list(&ListParams::default()).await.expect("pods") {
        let name = pod.name_any();
        if name.starts_with(&format!("{deployment}-")) {
            let patch = Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
            pods.patch(&name, &PatchParams::default(), &patch).await.expect("the pod is changed");
        }
    }
}

fn ready(region: &Region) -> String {
    let conditions = region.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    conditions.iter().find(|condition| condition.type_ == "Ready").expect("the condition").message.clone()
}

async fn replicas(space: &Space, name: &str) -> Option<i32> {
    space.all::<Deployment>().get(name).await.expect("a Deployment").spec.replicas
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_region_plays_its_matches_to_the_end() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("drains").await;
    let (ops, matches) = referees().await;
    matches.store(2, Ordering::SeqCst);
    create(&space, "eu-west", with_matches(&ops)).await;
    wait_ready(&space, "eu-west").await;

    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "False", "Draining").await;
    assert!(region.status.and_then(|status| status.drain).is_some_and(|drain| drain.stopped_at.is_none()));
    wait_left(&space, "eu-west", 2).await;
    assert_eq!(replicas(&space, "eu-west-matchmaker").await, Some(0), "no match begins");
    assert_eq!(replicas(&space, "eu-west-gateway").await, Some(1), "players stay connected");
    assert_eq!(replicas(&space, "eu-west-referee").await, Some(2), "and their matches go on");
    let door = space.all::<Service>().get("eu-west").await.expect("the door").spec.and_then(|spec| spec.selector);
    assert_eq!(door.expect("a selector")["muster.dev/role"], "closed");
    matches.store(1, Ordering::SeqCst);
    wait_left(&space, "eu-west", 1).await;

    matches.store(0, Ordering::SeqCst);
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    for role in ["gateway", "matchmaker", "referee"] {
        assert_eq!(replicas(&space, &format!("eu-west-{role}")).await, Some(0), "{role}");
    }

    change(&space, "eu-west", json!({ "spec": { "state": "Active" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "True", "AllReady").await;
    let status = region.status.expect("a status");
    assert!((status.ready_replicas, status.drain.is_none()) == (Some(4), true), "{:?}", status.drain);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_that_finds_no_match_ends_no_drain() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("looks-twice").await;
    let (ops, matches) = referees().await;
    create(&space, "eu-west", with_matches(&ops)).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let empty = |drain: &DrainStatus| drain.empty_since.is_some();
    wait_drain(&space, "eu-west", "no match to be seen", empty).await;

    // A match that was being made has its referee; then nobody can tell.
    for (now, told) in [(1, Some(1)), (SILENT, None)] {
        matches.store(now, Ordering::SeqCst);
        let drain = wait_drain(&space, "eu-west", "the next look", |drain| drain.matches_left == told).await;
        assert_eq!((drain.empty_since, drain.stopped_at), (None, None), "{told:?} matches");
        assert_eq!(replicas(&space, "eu-west-referee").await, Some(2), "the match goes on");
        matches.store(0, Ordering::SeqCst);
        let drain = wait_drain(&space, "eu-west", "no match to be seen again", empty).await;
        assert_eq!(drain.stopped_at, None);
    }

    let region = wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    let drain = region.status.and_then(|status| status.drain).expect("a drain");
    let (since, stopped) = (drain.empty_since.expect("since when").0, drain.stopped_at.expect("its end").0);
    assert!(stopped.duration_since(since).as_secs() >= 5, "{since} to {stopped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn matchmakers_that_are_still_ending_may_still_make_matches() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("matchmakers-end").await;
    let (ops, _no_matches) = referees().await;
    create(&space, "eu-west", with_matches(&ops)).await;
    wait_ready(&space, "eu-west").await;
    hold(&space, "eu-west-matchmaker", true).await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    eventually(SOON, "the matchmakers' Deployment to have none", async || {
        let status = region(&space, "eu-west").await.status?;
        (status.replicas == Some(3) && status.drain?.matches_left == Some(0)).then_some(())
    })
    .await;
    // Nothing to wait for: that the drain does not begin to end is what is shown.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let gone = Timestamp::now();
    hold(&space, "eu-west-matchmaker", false).await;
    let drain = wait_drain(&space, "eu-west", "no match to be seen", |drain| drain.empty_since.is_some()).await;
    let since = drain.empty_since.expect("since when").0;
    assert!(since.as_second() >= gone.as_second(), "empty since {since}, gone at {gone}");
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_ending_is_counted_before_it_is_said_that_nothing_runs() {
    let Some(cluster) = Cluster::own().await else { return };
    let operator = cluster.operator("ending", &[]);
    let space = cluster.namespace("ending").await;
    let mut spec = small();
    spec["replicas"] = json!(2);
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    hold(&space, "eu-west-gateway", true).await;
    change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    let deployments = space.all::<Deployment>();
    eventually(SOON, "the Deployment to have none", async || {
        let status = deployments.get("eu-west-gateway").await.ok()?.status?;
        (status.replicas.unwrap_or(0) == 0 && status.observed_generation > Some(1)).then_some(())
    })
    .await;
    operator.wait_reconciles("Region", 3.0).await;
    let stopping = wait_condition(&space, "eu-west", "Ready", "False", "Stopping").await;
    assert_eq!(ready(&stopping), "2 processes are still stopping.");
    hold(&space, "eu-west-gateway", false).await;
    let stopped = wait_condition(&space, "eu-west", "Ready", "True", "Disabled").await;
    assert_eq!(ready(&stopped), "Nothing runs, as the region is disabled.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_has_an_end_and_says_what_was_left() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("deadline").await;
    let (ops, matches) = referees().await;
    matches.store(7, Ordering::SeqCst);
    let mut spec = with_matches(&ops);
    spec["drain"] = json!({ "matchTimeout": "2s" });
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    assert_eq!(region.status.and_then(|status| status.drain).and_then(|drain| drain.matches_left), Some(7));
    let note = eventually(SOON, "the event", async || {
        let events = space.all::<Event>().list(&Default::default()).await.ok()?;
        events.items.into_iter().find(|event| event.reason.as_deref() == Some("DrainTimedOut"))?.note
    });
    assert!(note.await.starts_with("7 matches were left"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_does_not_answer_is_given_until_the_deadline() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("silent").await;
    let mut spec = with_matches("127.0.0.1:1");
    spec["drain"] = json!({ "matchTimeout": "3s" });
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "False", "Draining").await;
    let conditions = region.status.expect("a status").conditions;
    let ready = &conditions.iter().find(|condition| condition.type_ == "Ready").expect("the condition").message;
    assert!(ready.contains("how many matches still run is not known"), "{ready}");
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_region_runs_nothing() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("disabled").await;
    create(&space, "eu-west", small()).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "True", "Disabled").await;
    assert_eq!(region.status.and_then(|status| status.replicas), Some(0));
    assert_eq!(replicas(&space, "eu-west-gateway").await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_region_is_drained_before_it_goes() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("deleted").await;
    let (ops, matches) = referees().await;
    matches.store(1, Ordering::SeqCst);
    create(&space, "eu-west", with_matches(&ops)).await;
    wait_ready(&space, "eu-west").await;
    space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_left(&space, "eu-west", 1).await;
    assert_eq!(replicas(&space, "eu-west-referee").await, Some(2), "the match goes on");
    matches.store(0, Ordering::SeqCst);
    wait_gone(&space, "eu-west").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_never_ran_is_deleted_at_once() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("never-ran").await;
    let mut spec = with_matches("127.0.0.1:1");
    spec["database"] = json!({ "secret": "missing", "key": "url" });
    create(&space, "eu-west", spec).await;
    wait_condition(&space, "eu-west", "Degraded", "True", "SecretMissing").await;
    space.all::<Region>().delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-west").await;
}
