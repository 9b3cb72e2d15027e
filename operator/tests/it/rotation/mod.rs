//! What becomes of a SecretRotation, with a real Vault and a real PostgreSQL.
//!
//! - `deaths`: the operator dies at each step. `kubernetes_auth`: it signs in with its service account. `tokens`: with a token that
//!   somebody gives it, by a file or by its environment.
//! - `database`: users are replaced while clients work, and the operator dies at every step. `signing_key`: no pod refuses what
//!   another signs. `generated`: values by rule, and what others write. `wrong`: what is told when something is wrong.
//!   `slow`: a Vault that is slow, or whose answers get lost.
//! - `due`: it begins by itself. `sealed`: a Vault that is sealed in the middle, with an `openbao` of its own.
//! - `vault`: the Vault of a test, behind a `proxy` that can lose answers. `pods`: what pods would do with the Secret.

mod database;
mod deaths;
mod due;
mod generated;
mod kubernetes_auth;
mod openbao;
mod pods;
mod proxy;
mod sealed;
mod signing_key;
mod slow;
mod tokens;
pub mod vault;
mod wrong;

use std::time::Duration;

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Secret},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::api::{Patch, PatchParams, PostParams};
use muster_operator::crd::{
    SecretRotation,
    secret_rotation::{Phase, RotationState},
};
use muster_testkit::eventually;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Space};

/// How long a whole rotation may take here.
pub const SOON: Duration = Duration::from_secs(60);

/// A Deployment whose pods read the Secret when they start.
pub async fn deploy(space: &Space, name: &str, replicas: i32) {
    let deployment: Deployment = serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "app", "image": "app:1" }] },
            },
        },
    }))
    .expect("a Deployment");
    space.all::<Deployment>().create(&PostParams::default(), &deployment).await.expect("the Deployment is created");
}

/// Creates a SecretRotation.
pub async fn create(cluster: &Cluster, space: &Space, name: &str, spec: Value) {
    let manifest = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "SecretRotation",
        "metadata": { "name": name, "namespace": space.name }, "spec": spec,
    });
    cluster.apply(manifest).await;
}

/// The SecretRotation now.
pub async fn get(space: &Space, name: &str) -> SecretRotation {
    space.all::<SecretRotation>().get(name).await.expect("the SecretRotation")
}

/// Where it stands.
pub async fn state(space: &Space, name: &str) -> RotationState {
    get(space, name).await.status.and_then(|status| status.rotation).unwrap_or_default()
}

/// Waits until it stands so.
pub async fn wait(space: &Space, name: &str, what: &str, is_so: impl Fn(&RotationState) -> bool) -> RotationState {
    eventually(SOON, &format!("{name}: {what}"), async || {
        let state = state(space, name).await;
        is_so(&state).then_some(state)
    })
    .await
}

/// Waits until version `number` is in use and nothing else is under way.
pub async fn wait_idle(space: &Space, name: &str, number: i64) -> RotationState {
    wait(space, name, &format!("version {number} alone"), |state| {
        state.phase == Phase::Idle
            && state.current.as_ref().is_some_and(|version| version.number == number)
            && state.answered.is_none()
    })
    .await
}

/// Waits for a condition and gives it.
pub async fn wait_condition(space: &Space, name: &str, type_: &str, status: &str, reason: &str) -> Condition {
    eventually(SOON, &format!("{name}: {type_}={status} {reason}"), async || {
        let conditions = get(space, name).await.status.map(|status| status.conditions).unwrap_or_default();
        conditions.into_iter().find(|condition| {
            condition.type_ == type_ && condition.status == status && (reason.is_empty() || condition.reason == reason)
        })
    })
    .await
}

/// Sets an annotation, as a person does.
pub async fn annotate(space: &Space, name: &str, key: &str) {
    let patch = json!({ "metadata": { "annotations": { key: "now" } } });
    space.all::<SecretRotation>().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("annotated");
}

/// Changes the spec.
pub async fn change(space: &Space, name: &str, spec: Value) {
    let patch = json!({ "spec": spec });
    space.all::<SecretRotation>().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("changed");
}

/// Lets the overlap be over, which takes a minute at least otherwise.
pub async fn end_overlap(space: &Space, name: &str) {
    wait(space, name, "the overlap", |state| state.phase == Phase::Overlap).await;
    let patch = json!({ "status": { "rotation": { "overlapUntil": "2020-01-01T00:00:00Z" } } });
    let api = space.all::<SecretRotation>();
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("the clock goes on");
}

/// An entry of a Secret.
pub async fn entry(space: &Space, secret: &str, key: &str) -> Option<String> {
    let data = space.all::<Secret>().get_opt(secret).await.expect("an answer")?.data?;
    Some(String::from_utf8(data.get(key)?.0.clone()).expect("text"))
}

/// Everything that anybody can read about a rotation: status, events, the operator's log.
pub async fn told(space: &Space, name: &str, log: &str) -> String {
    let events = space.all::<k8s_openapi::api::events::v1::Event>().list(&Default::default()).await.expect("events");
    let status = serde_json::to_string(&get(space, name).await).expect("JSON");
    let events = serde_json::to_string(&events.items).expect("JSON");
    format!("{status}\n{events}\n{log}")
}
