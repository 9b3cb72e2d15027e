use std::path::Path;

use serde_json::json;

use super::{muster, wait_ends};
use crate::{cluster::Cluster, region};

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_a_glance_and_an_exit_code_for_scripts() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-status").await;
    let here = ["status", "-n", "kubectl-status"];
    let nothing = muster(&cluster, &here).await.ended(2);
    assert!(nothing.out.contains("no regions") && nothing.out.contains("-A"), "{nothing:?}");

    region::create(&space, "eu-west", region::small()).await;
    let ready = muster(&cluster, &["status", "-n", "kubectl-status", "--wait", "--timeout", "30s", "-o", "json"])
        .await
        .ended(0);
    let json = ready.json();
    assert_eq!((&json["verdict"], &json["ready"], &json["total"]), (&json!("Ready"), &json!(1), &json!(1)));
    let row = &json["regions"][0];
    assert_eq!((&row["name"], &row["state"], &row["ready"]), (&json!("eu-west"), &json!("Active"), &json!("Ready")));
    assert_eq!((&row["processesReady"], &row["processesWanted"]), (&json!(1), &json!(1)));

    // One that lacks something, and one that nobody looks after.
    let mut lacking = region::small();
    lacking["database"] = json!({ "secret": "missing", "key": "url" });
    region::create(&space, "us-east", lacking).await;
    region::wait_condition(&space, "us-east", "Degraded", "True", "SecretMissing").await;
    let told = muster(&cluster, &here).await.ended(1);
    for part in [
        "Regions",
        "NAME      READY   STATE    PROCESSES",
        "eu-west   yes     Active   1/1",
        "The Secret missing",
        "1 of 2 are Ready.",
        "kubectl muster why region/us-east -n kubectl-status",
    ] {
        assert!(told.out.contains(part), "{part:?} is not in\n{}", told.out);
    }
    assert!(!told.out.contains('\u{1b}') && told.err.is_empty(), "colours or noise in a pipe: {told:?}");

    let waited = muster(&cluster, &["status", "-n", "kubectl-status", "--wait", "--timeout", "1s"]).await.ended(1);
    assert!(
        waited.err.contains("not yet: region/us-east (SecretMissing)") && waited.err.contains("within 1s"),
        "{waited:?}"
    );
    let everywhere = muster(&cluster, &["status", "-A"]).await;
    assert!(everywhere.out.contains("NAMESPACE") && everywhere.out.contains("kubectl-status"), "{everywhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_looked_at_cannot_be_told() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-paused").await;
    cluster
        .apply(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "spec": region::small(),
            "metadata": { "name": "eu-west", "namespace": space.name, "annotations": { "muster.dev/paused": "" } },
        }))
        .await;
    let told = muster(&cluster, &["status", "-n", "kubectl-paused", "-o", "json"]).await.ended(2).json();
    assert_eq!((&told["verdict"], &told["regions"][0]["paused"]), (&json!("Unknown"), &json!(true)));
    region::change(&space, "eu-west", json!({ "metadata": { "annotations": { "muster.dev/paused": null } } })).await;
    wait_ends(&cluster, &["status", "-n", "kubectl-paused"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_finds_it() {
    let Some(cluster) = Cluster::shared().await else { return };
    let space = cluster.namespace("kubectl-plugin").await;
    region::create(&space, "eu-west", region::small()).await;
    region::wait_ready(&space, "eu-west").await;
    let folder = Path::new(env!("CARGO_BIN_EXE_kubectl-muster")).parent().expect("a folder").display().to_string();
    let output = tokio::process::Command::new("kubectl")
        .args(["muster", "status", "--namespace", "kubectl-plugin", "--output", "json"])
        .env("PATH", format!("{folder}:{}", std::env::var("PATH").unwrap_or_default()))
        .env("KUBECONFIG", cluster.admin_kubeconfig())
        .output()
        .await
        .expect("kubectl starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["regions"][0]["name"], "eu-west");
}
