use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::muster;
use crate::{
    cluster::Cluster,
    rotation::{self, vault::Vault},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_asked_for_followed_and_turned_back() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("kubectl").await;
    let settings = vault.settings(&vault.url);
    let _operator = cluster.operator("kubectl", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("kubectl-rotate").await;
    let spec = json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper", "generate": { "length": 40 } } },
        "target": { "secret": "app", "key": "pepper" }, "interval": "720h", "overlap": "1h",
    });
    rotation::create(&cluster, &space, "pepper", spec).await;
    rotation::wait_idle(&space, "pepper", 1).await;
    let began = Timestamp::now();

    let told = muster(&cluster, &["rotate", "pepper", "-n", "kubectl-rotate", "-o", "json"]).await.ended(0);
    let json = told.json();
    assert_eq!((&json["outcome"], &json["version"], &json["previousVersion"]), (&json!("InUse"), &json!(2), &json!(1)));
    assert_eq!(json["phase"], "Overlap");
    assert!(told.err.contains("pepper is asked to rotate."), "{told:?}");
    // The interval counts from the moment at which the new version was in use.
    let next: Timestamp = json["nextRotationAt"].as_str().expect("a moment").parse().expect("a moment");
    let late = next.duration_since(began) - SignedDuration::from_hours(720);
    assert!(late.abs() < SignedDuration::from_mins(1), "{next}");

    // While the old one is valid, another one has to wait for that.
    let later = muster(&cluster, &["rotate", "pepper", "-n", "kubectl-rotate"]).await.ended(0);
    assert!(
        later.out.contains("The version before is still valid until") && later.out.contains("after that"),
        "{later:?}"
    );
    let back =
        muster(&cluster, &["rotate", "pepper", "--rollback", "-n", "kubectl-rotate", "-o", "json"]).await.ended(0);
    assert_eq!((&back.json()["version"], &back.json()["previousVersion"]), (&json!(1), &json!(2)));

    rotation::change(&space, "pepper", json!({ "suspended": true })).await;
    rotation::end_overlap(&space, "pepper").await;
    rotation::wait(&space, "pepper", "the end of it", |state| state.previous.is_none()).await;
    let suspended = muster(&cluster, &["rotate", "pepper", "-n", "kubectl-rotate"]).await.ended(1);
    assert!(
        suspended.err.contains("is suspended") && suspended.err.contains("kubectl patch srot pepper"),
        "{suspended:?}"
    );
    let nothing = muster(&cluster, &["rotate", "pepper", "--rollback", "-n", "kubectl-rotate"]).await.ended(1);
    assert!(nothing.err.contains("no other valid version"), "{nothing:?}");
    let missing = muster(&cluster, &["rotate", "salt", "-n", "kubectl-rotate"]).await.ended(2);
    assert!(missing.err.contains("There are: pepper."), "{missing:?}");
}
