use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
use kube::api::{ListParams, PostParams};
use muster_operator::reconcile::conditions;
use serde_json::json;

use super::{change, create, kubectl, secret, small, wait_condition, wait_ready};
use crate::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_told_in_plain_words() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("secrets").await;
    let mut spec = small();
    spec["database"] = json!({ "secret": "database", "key": "url" });
    create(&space, "eu-west", spec).await;
    let region = wait_condition(&space, "eu-west", "Degraded", "True", "SecretMissing").await;
    let status = region.status.expect("a status");
    let degraded = status.conditions.iter().find(|condition| condition.type_ == "Degraded").expect("the condition");
    assert_eq!(
        degraded.message,
        "The Secret database of the database is not in the namespace secrets: create it, or name another one in spec.database."
    );
    assert_eq!(conditions::holds(&status.conditions, "Ready"), Some(false));
    assert_eq!(conditions::holds(&status.conditions, "Stalled"), None, "it goes on by itself when the Secret is there");
    let deployments = space.all::<Deployment>().list(&ListParams::default()).await.expect("a list");
    assert!(deployments.items.is_empty(), "no process is started that could not run");

    let secrets = space.all::<Secret>();
    secrets.create(&PostParams::default(), &secret("database", "uri")).await.expect("a Secret");
    wait_condition(&space, "eu-west", "Degraded", "True", "SecretKeyMissing").await;
    change(&space, "eu-west", json!({ "spec": { "database": { "key": "uri" } } })).await;
    wait_ready(&space, "eu-west").await;
    wait_condition(&space, "eu-west", "Degraded", "False", "AsExpected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_person_can_mend_is_told() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("invalid").await;
    let mut spec = small();
    spec["maintenance"] = json!({ "timeZone": "Mars/Olympus", "start": "0 3 * * *", "length": "1h" });
    create(&space, "eu-west", spec).await;
    let region = wait_condition(&space, "eu-west", "Degraded", "True", "MaintenanceInvalid").await;
    let conditions = region.status.expect("a status").conditions;
    assert!(conditions.iter().any(|condition| condition.message.contains("Mars/Olympus")), "{conditions:?}");
    // kstatus: failed, where a missing Secret is still in progress.
    let wait = ["wait", "region/eu-west", "-n", "invalid", "--for=condition=Stalled", "--timeout=30s"];
    kubectl(&cluster, &wait).await;
    change(&space, "eu-west", json!({ "spec": { "maintenance": { "timeZone": "Europe/Berlin" } } })).await;
    let region = wait_ready(&space, "eu-west").await;
    assert_eq!(conditions::holds(&region.status.expect("a status").conditions, "Stalled"), None);
}
