//! A Vault that is slow, slower than anybody waits, and one whose answers get lost on the way.

use std::time::Duration;

use muster_operator::rotation::ROTATE;
use serde_json::json;

use super::{
    proxy::{Mood, Proxy},
    vault::Vault,
    *,
};
use crate::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_vault_is_waited_for_and_one_that_is_too_slow_is_told_of() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("slow").await;
    let proxy = Proxy::start(&vault.url).await;
    let mut settings = vault.settings(&proxy.url).to_vec();
    settings.push("operator.vault.timeout=500ms".to_owned());
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let _operator = cluster.operator("slow", &settings);
    let space = cluster.namespace("rotation-slow").await;
    deploy(&space, "app", 1).await;
    let spec = json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "token" } },
        "target": { "secret": "app", "key": "token" },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "app" }],
    });

    // Slow: it only takes longer.
    proxy.set(Mood::Slow(Duration::from_millis(200)));
    create(&cluster, &space, "token", spec).await;
    wait_idle(&space, "token", 1).await;
    let first = entry(&space, "app", "token").await.expect("a value");

    // Slower than anybody waits: nothing is made, and what is in use stays.
    proxy.set(Mood::Slow(Duration::from_secs(2)));
    annotate(&space, "token", ROTATE).await;
    let condition = wait_condition(&space, "token", "Degraded", "True", "VaultUnavailable").await;
    assert!(condition.message.contains("does not answer"), "{}", condition.message);
    wait_condition(&space, "token", "Ready", "True", "InUse").await;
    assert_eq!(entry(&space, "app", "token").await.as_ref(), Some(&first));

    // The answer to the write gets lost: it is found, and not made once more.
    proxy.set(Mood::LosesAnswer(format!("POST /v1/{}/data/", vault.name)));
    proxy.lost().await;
    end_overlap(&space, "token").await;
    let state = wait_idle(&space, "token", 2).await;
    assert_eq!((state.versions, vault.versions("muster/app").await), (2, (2, vec![2])));
    assert_eq!(entry(&space, "app", "token").await, vault.value("muster/app", "token").await);
    wait_condition(&space, "token", "Degraded", "False", "AsExpected").await;
}
