//! A drain begins with the queues: the platform lets nobody in any more before anything is stopped.

use std::time::Duration;

use k8s_openapi::{
    ByteString,
    api::{apps::v1::Deployment, core::v1::Secret, events::v1::Event, rbac::v1::RoleBinding},
};
use kube::api::{DeleteParams, Patch, PatchParams};
use muster_operator::crd::{Region, region::QueuesState};
use muster_testkit::eventually;
use serde_json::{Value, json};

use super::{
    change, create, get,
    platform::{KEY, StandIn},
    wait_condition, wait_gone, wait_ready, with_matches,
};
use crate::cluster::{Cluster, SOON, Space};

/// A Region that knows the platform; no match runs in it as long as nobody asks.
fn knowing(platform: &StandIn) -> Value {
    let mut spec = with_matches("127.0.0.1:1");
    spec["roles"] = json!([{ "name": "gateway" }, { "name": "matchmaker" }]);
    spec["platform"] = json!({ "url": platform.url, "key": { "secret": "platform", "key": "key" } });
    spec
}

async fn put_key(space: &Space, key: &str) {
    let mut secret = Secret { data: Some([("key".to_owned(), ByteString(key.into()))].into()), ..Default::default() };
    secret.metadata.name = Some("platform".to_owned());
    let secrets = space.all::<Secret>();
    // A service key that is replaced.
    let _ = secrets.delete("platform", &DeleteParams::default()).await;
    secrets.create(&Default::default(), &secret).await.expect("a Secret");
}

async fn wait_queues(space: &Space, state: QueuesState) -> Region {
    eventually(SOON, &format!("the queues to be {state:?}"), async || {
        let region = get(space, "eu-west").await;
        let queues = region.status.as_ref()?.queues.as_ref()?;
        (queues.state == state).then_some(region)
    })
    .await
}

async fn matchmakers(space: &Space) -> Option<i32> {
    space.all::<Deployment>().get("eu-west-matchmaker").await.expect("a Deployment").spec.replicas
}

fn message<'r>(region: &'r Region, type_: &str) -> &'r str {
    let status = region.status.as_ref().expect("a status");
    &status.conditions.iter().find(|condition| condition.type_ == type_).expect("the condition").message
}

async fn wait_event(space: &Space, reason: &str) {
    eventually(SOON, &format!("the event {reason}"), async || {
        let events = space.all::<Event>().list(&Default::default()).await.ok()?;
        events.items.iter().any(|event| event.reason.as_deref() == Some(reason)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_closes_the_queues_first_and_an_active_region_opens_them_again() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("queues").await;
    let platform = StandIn::start().await;
    put_key(&space, KEY).await;
    create(&space, "eu-west", knowing(&platform)).await;
    wait_ready(&space, "eu-west").await;
    wait_queues(&space, QueuesState::Open).await;
    assert_eq!(platform.turns(), ["DELETE eu-west"], "what was closed before is opened");
    let told = platform.calls().len();
    change(&space, "eu-west", json!({ "spec": { "capacity": { "players": 4 } } })).await;
    wait_ready(&space, "eu-west").await;
    assert_eq!(platform.calls().len(), told, "who stays as it is asks nobody");

    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    let region = wait_queues(&space, QueuesState::Closed).await;
    assert_eq!(platform.closed(), ["eu-west"]);
    assert_eq!(region.status.and_then(|status| status.queues).map(|queues| queues.region).as_deref(), Some("eu-west"));
    wait_event(&space, "QueuesClosed").await;

    change(&space, "eu-west", json!({ "spec": { "state": "Active" } })).await;
    wait_queues(&space, QueuesState::Open).await;
    wait_ready(&space, "eu-west").await;
    assert_eq!(platform.turns(), ["DELETE eu-west", "PUT eu-west", "DELETE eu-west"]);
    wait_event(&space, "QueuesOpened").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_told_holds_the_drain_until_it_can() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("held").await;
    let platform = StandIn::start().await;
    put_key(&space, KEY).await;
    create(&space, "eu-west", knowing(&platform)).await;
    wait_ready(&space, "eu-west").await;
    wait_queues(&space, QueuesState::Open).await;

    platform.refuses(Some((503, "draining")));
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let region = wait_condition(&space, "eu-west", "Degraded", "True", "QueuesNotClosed").await;
    let told = message(&region, "Degraded");
    assert!(told.contains("closed in eu-west: the platform answered 503 (draining): Do something else."), "{told}");
    let ready = message(&region, "Ready");
    assert!(ready.starts_with("The queues are not closed yet, so nothing is stopped"), "{ready}");
    assert_eq!(matchmakers(&space).await, Some(1), "nothing is scaled before");
    wait_event(&space, "QueuesNotClosed").await;
    let tries = platform.calls().len();
    eventually(SOON, "another try", async || (platform.calls().len() > tries).then_some(())).await;
    assert_eq!(matchmakers(&space).await, Some(1));

    platform.refuses(None);
    let region = wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    assert_eq!(message(&region, "Degraded"), "Nothing is wrong.");
    assert_eq!(platform.closed(), ["eu-west"]);

    // Staff closed it as well, and keep it so.
    platform.refuses(Some((409, "closed_by_staff")));
    change(&space, "eu-west", json!({ "spec": { "state": "Active" } })).await;
    wait_queues(&space, QueuesState::KeptClosed).await;
    wait_ready(&space, "eu-west").await;
    wait_event(&space, "QueuesKeptClosed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_a_drain_that_the_platform_never_heard_of() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("deaf").await;
    let platform = StandIn::start().await;
    put_key(&space, KEY).await;
    let mut spec = knowing(&platform);
    spec["drain"] = json!({ "matchTimeout": "3s" });
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    let nobody = json!({ "url": "http://127.0.0.1:1", "key": { "secret": "platform", "key": "key" } });
    change(&space, "eu-west", json!({ "spec": { "state": "Draining", "platform": nobody } })).await;
    let region = wait_condition(&space, "eu-west", "Degraded", "True", "QueuesNotClosed").await;
    let told = message(&region, "Degraded");
    assert!(told.contains("http://127.0.0.1:1/v1/regions/eu-west/closure did not answer"), "{told}");
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    wait_condition(&space, "eu-west", "Degraded", "True", "QueuesNotClosed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_key_is_told_and_only_a_service_key_is_ever_sent() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("keys").await;
    let platform = StandIn::start().await;
    create(&space, "eu-west", knowing(&platform)).await;
    let told = async |part: &str| {
        eventually(SOON, part, async || {
            let region = get(&space, "eu-west").await;
            let conditions = &region.status.as_ref()?.conditions;
            conditions.iter().any(|condition| condition.message.contains(part)).then_some(())
        })
        .await;
    };
    told("there is no entry key in a Secret platform").await;
    wait_ready(&space, "eu-west").await;
    put_key(&space, "hunter2, the password of something else").await;
    told("is no service key").await;
    assert!(platform.calls().is_empty(), "nothing was sent");
    space.all::<RoleBinding>().delete("muster-operator-secrets", &DeleteParams::default()).await.expect("taken away");
    told("the operator may not read the Secret platform").await;
    let status = serde_json::to_string(&get(&space, "eu-west").await).expect("JSON");
    assert!(!status.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_platform_a_drain_goes_as_ever_and_says_so() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("unknowing").await;
    let mut spec = with_matches("127.0.0.1:1");
    spec["drain"] = json!({ "matchTimeout": "1h" });
    create(&space, "eu-west", spec).await;
    wait_ready(&space, "eu-west").await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    let region = wait_condition(&space, "eu-west", "Ready", "False", "Draining").await;
    let ready = message(&region, "Ready");
    assert!(ready.contains("The queues stay open: spec.platform does not say how to close them."), "{ready}");
    assert!(region.status.is_some_and(|status| status.queues.is_none()));
    eventually(SOON, "the matchmakers to go", async || (matchmakers(&space).await == Some(0)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_deleted_opens_what_it_closed() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("opens").await;
    let platform = StandIn::start().await;
    put_key(&space, KEY).await;
    let mut spec = knowing(&platform);
    spec["platform"]["region"] = json!("europe");
    create(&space, "eu-west", spec.clone()).await;
    wait_ready(&space, "eu-west").await;
    wait_queues(&space, QueuesState::Open).await;
    let regions = space.all::<Region>();
    regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-west").await;
    assert_eq!(
        platform.turns(),
        ["DELETE europe", "PUT europe", "DELETE europe"],
        "closed while it drained, then opened"
    );
    assert!(platform.closed().is_empty());

    // One that drained long ago, and is called something else since.
    create(&space, "eu-west", spec).await;
    wait_queues(&space, QueuesState::Open).await;
    change(&space, "eu-west", json!({ "spec": { "state": "Draining" } })).await;
    wait_queues(&space, QueuesState::Closed).await;
    change(&space, "eu-west", json!({ "spec": { "platform": { "region": "eu" } } })).await;
    eventually(Duration::from_secs(20), "the new name to be closed", async || {
        (platform.closed() == ["eu"]).then_some(())
    })
    .await;
    wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
    regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-west").await;
    assert!(platform.closed().is_empty());

    // One that never closed anything leaves the queues as they are.
    create(&space, "eu-west", knowing(&platform)).await;
    wait_queues(&space, QueuesState::Open).await;
    change(&space, "eu-west", json!({ "spec": { "state": "Disabled" } })).await;
    wait_condition(&space, "eu-west", "Ready", "True", "Disabled").await;
    let told = platform.calls().len();
    regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
    wait_gone(&space, "eu-west").await;
    assert_eq!(platform.calls().len(), told, "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_told_holds_a_deleted_region_for_a_while_and_no_longer() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("held-deleted").await;
    let platform = StandIn::start().await;
    put_key(&space, KEY).await;
    let regions = space.all::<Region>();
    let deleted = async |match_timeout: &str| {
        let mut spec = knowing(&platform);
        spec["state"] = json!("Draining");
        spec["drain"] = json!({ "matchTimeout": match_timeout });
        create(&space, "eu-west", spec).await;
        wait_condition(&space, "eu-west", "Ready", "True", "Drained").await;
        assert_eq!(platform.closed(), ["eu-west"]);
        platform.refuses(Some((503, "draining")));
        // It has stopped long ago: what counts is when it was deleted.
        let patch = Patch::Merge(json!({ "status": { "drain": { "stoppedAt": "2020-01-01T00:00:00Z" } } }));
        regions.patch_status("eu-west", &PatchParams::default(), &patch).await.expect("the clock is set");
        regions.delete("eu-west", &DeleteParams::default()).await.expect("deleted");
        let region = wait_condition(&space, "eu-west", "Degraded", "True", "QueuesNotOpened").await;
        let told = message(&region, "Degraded");
        assert!(
            told.contains("could not be opened in eu-west: the platform answered 503 (draining)")
                && told.contains("again until"),
            "{told}"
        );
    };

    // It answers again within that time.
    deleted("1h").await;
    platform.refuses(None);
    wait_gone(&space, "eu-west").await;
    assert!(platform.closed().is_empty());

    // It does not.
    deleted("8s").await;
    wait_gone(&space, "eu-west").await;
    assert_eq!(platform.closed(), ["eu-west"]);
    wait_event(&space, "QueuesLeftClosed").await;
}
