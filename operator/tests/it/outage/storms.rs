use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use muster_operator::{
    crd::{Region, SecretRotation},
    rotation::ROTATE,
};
use muster_testkit::eventually;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::image;
use crate::{
    cluster::{Cluster, SOON},
    operator::Operator,
    region,
    rotation::{self, vault::Vault},
};

/// Between two writes of somebody else.
const PAUSE: Duration = Duration::from_millis(1);
/// The same where the cluster's own controller has to come between: it begins anew when the object was written since it read it.
const LONGER: Duration = Duration::from_millis(25);

/// Somebody who writes the same object all the time, until it is dropped.
struct Storm {
    writes: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Storm {
    fn on<K>(
        api: Api<K>,
        name: &'static str,
        pause: Duration,
        patch: impl Fn(u64) -> Patch<Value> + Send + 'static,
    ) -> Self
    where
        K: Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let writes = Arc::new(AtomicU64::new(0));
        let count = writes.clone();
        let task = tokio::spawn(async move {
            let parameters = PatchParams { field_manager: Some("somebody-else".to_owned()), ..PatchParams::default() };
            for number in 0.. {
                if api.patch(name, &parameters, &patch(number)).await.is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(pause).await;
            }
        });
        Self { writes, task }
    }

    fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn annotated(number: u64) -> Patch<Value> {
    Patch::Merge(json!({ "metadata": { "annotations": { "example.com/number": number.to_string() } } }))
}

/// How many times the operator wrote objects of a kind.
async fn written(operator: &Operator, kind: &str) -> f64 {
    let name = format!("muster_operator_writes_total{{kind=\"{kind}\"}}");
    operator.metric(&name).await.unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_gets_ready_while_somebody_else_writes_it_and_its_objects() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("storm").await;
    let operator = cluster.operator("storm", &[]);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    let before = written(&operator, "Deployment").await;
    let on_region = Storm::on(space.all::<Region>(), "eu-west", PAUSE, annotated);
    let on_deployment = Storm::on(space.all::<Deployment>(), "eu-west-gateway", LONGER, annotated);
    eventually(SOON, "the storm", async || (on_region.writes() > 50 && on_deployment.writes() > 50).then_some(()))
        .await;
    region::change(&space, "eu-west", json!({ "spec": { "image": "muster-server:2" } })).await;
    region::wait_ready(&space, "eu-west").await;
    assert_eq!(image(&space, "eu-west").await.as_deref(), Some("muster-server:2"));
    let writes = written(&operator, "Deployment").await - before;
    assert!(writes <= 2.0, "what others say of an object is none of the operator's business: {writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_takes_back_what_the_operator_writes_is_told_of_and_not_fought_at_full_speed() {
    let Some(cluster) = Cluster::own().await else { return };
    let space = cluster.namespace("fight").await;
    let operator = cluster.operator("fight", &[]);
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    let (before, began) = (written(&operator, "Deployment").await, Instant::now());
    let other = |number| {
        let containers = json!([{ "name": "muster-server", "image": format!("somebody-else:{number}") }]);
        Patch::Strategic(json!({ "spec": { "template": { "spec": { "containers": containers } } } }))
    };
    let storm = Storm::on(space.all::<Deployment>(), "eu-west-gateway", PAUSE, other);
    let region = region::wait_condition(&space, "eu-west", "Degraded", "True", "FoughtOver").await;
    let conditions = region.status.expect("a status").conditions;
    let told = conditions.iter().find(|condition| condition.type_ == "Degraded").expect("the condition");
    assert!(told.message.contains("Deployment eu-west-gateway"), "{}", told.message);
    eventually(SOON, "a storm", async || (storm.writes() > 200).then_some(())).await;
    let (writes, theirs) = (written(&operator, "Deployment").await - before, storm.writes());
    // Five in ten seconds.
    let most = 5.0 * (1.0 + (began.elapsed().as_secs_f64() / 10.0).ceil());
    assert!(writes <= most, "{writes} writes against {theirs} of theirs in {:?}", began.elapsed());
    drop(storm);
    eventually(SOON, "the image to be put right", async || {
        (image(&space, "eu-west").await.as_deref() == Some("muster-server:1")).then_some(())
    })
    .await;
    region::wait_condition(&space, "eu-west", "Degraded", "False", "AsExpected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_ends_while_somebody_else_writes_its_resource() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("storm").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("rotation-storm", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-storm").await;
    rotation::deploy(&space, "app", 2).await;
    let spec = json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "token" } },
        "target": { "secret": "app", "key": "token", "secondKey": "other" },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "app" }],
    });
    rotation::create(&cluster, &space, "token", spec).await;
    rotation::wait_idle(&space, "token", 1).await;
    let first = vault.value("muster/app", "token").await;

    let storm = Storm::on(space.all::<SecretRotation>(), "token", PAUSE, annotated);
    eventually(SOON, "the storm", async || (storm.writes() > 50).then_some(())).await;
    rotation::annotate(&space, "token", ROTATE).await;
    rotation::end_overlap(&space, "token").await;
    let state = rotation::wait_idle(&space, "token", 2).await;
    assert_eq!(state.versions, 2, "nothing was made twice");
    assert_ne!(vault.value("muster/app", "token").await, first);
    assert_eq!(rotation::entry(&space, "app", "token").await, vault.value("muster/app", "token").await);
    let writes = written(&operator, "Secret").await;
    assert!(writes <= 10.0, "{writes} writes of one Secret");
    assert!(storm.writes() > 100);
}
