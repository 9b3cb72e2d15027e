//! The operator is who a token says, which somebody gives it by a file (and renews there) or by its environment.

use std::path::Path;

use muster_operator::rotation::ROTATE;
use serde_json::json;

use super::{vault::Vault, *};
use crate::cluster::Cluster;

/// More than a test needs.
const USES: i64 = 10_000;

fn spec(vault: &Vault) -> Value {
    json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper" } },
        "target": { "secret": "app", "key": "pepper" }, "overlap": "1m",
    })
}

/// Writes a file whole at once, as an agent does.
fn put(file: &Path, text: &str) {
    let part = file.with_extension("part");
    std::fs::write(&part, text).expect("a file");
    std::fs::rename(part, file).expect("a file");
}

async fn wait_degraded(space: &Space, reason: &str, parts: &[&str]) {
    eventually(SOON, &format!("{reason}: {parts:?}"), async || {
        let condition = wait_condition(space, "pepper", "Degraded", "True", reason).await;
        parts.iter().all(|part| condition.message.contains(part)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_renewed_in_its_file_is_used_from_the_next_call_on() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("file").await;
    let file = cluster.server.home().join("vault.token");
    let path = file.display().to_string();
    let settings =
        [format!("operator.vault.address={}", vault.url), format!("operator.vault.token_file={}", file.display())];
    let operator = cluster.operator("token-file", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-token-file").await;
    let (first, second, third) =
        (vault.new_token(USES).await, vault.new_token(USES).await, vault.new_token(USES).await);

    // Whatever is wrong with the file is told with what to do.
    create(&cluster, &space, "pepper", spec(&vault)).await;
    let file_is = |trouble| [path.as_str(), trouble, "set operator.vault.token_file"];
    wait_degraded(&space, "VaultNotConfigured", &file_is("cannot be read (No such file")).await;
    put(&file, "\n");
    wait_degraded(&space, "VaultNotConfigured", &file_is("is empty")).await;
    put(&file, &format!("{first}\n{second}\n"));
    wait_degraded(&space, "VaultNotConfigured", &["line break", "the token alone"]).await;
    put(&file, &format!("{first}\n"));
    wait_idle(&space, "pepper", 1).await;
    wait_condition(&space, "pepper", "Degraded", "False", "AsExpected").await;

    // Another one, while the one before is still valid.
    assert_eq!(vault.uses_left(&second).await, USES, "it was used before its time");
    put(&file, &second);
    eventually(SOON, "the second token to be used", async || (vault.uses_left(&second).await < USES).then_some(()))
        .await;
    let left = vault.uses_left(&first).await;
    operator.wait_reconciles("SecretRotation", 2.0).await;
    assert_eq!(vault.uses_left(&first).await, left, "the first token is still used");

    // The one before ends, and nobody notices.
    vault.revoke(&first).await;
    annotate(&space, "pepper", ROTATE).await;
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 2).await;
    let before = told(&space, "pepper", &operator.log()).await;
    assert!(!before.contains("VaultForbidden"), "it was refused: {before}");

    // The one in the file ends: that is told, and the next one is used without a restart.
    vault.revoke(&second).await;
    wait_degraded(&space, "VaultForbidden", &["(403)"]).await;
    wait_condition(&space, "pepper", "Ready", "True", "InUse").await;
    put(&file, &third);
    wait_condition(&space, "pepper", "Degraded", "False", "AsExpected").await;
    let told = told(&space, "pepper", &operator.log()).await;
    assert!([&first, &second, &third].iter().all(|token| !told.contains(*token)), "a token was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_environment_is_used() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("env").await;
    let space = cluster.namespace("rotation-token-env").await;
    let address = ("MUSTER__OPERATOR__VAULT__ADDRESS", vault.url.as_str());

    // None at all: what may be set is told. Variables of other programs are not the operator's.
    let operator = cluster.operator_in(&[address, ("VAULT_TOKEN", &vault.token)], "token-none");
    create(&cluster, &space, "pepper", spec(&vault)).await;
    wait_degraded(&space, "VaultNotConfigured", &["no way into Vault", "operator.vault.kubernetes_role"]).await;
    drop(operator);

    let token = vault.new_token(USES).await;
    let operator = cluster.operator_in(&[address, ("MUSTER__OPERATOR__VAULT__TOKEN", &token)], "token-env");
    wait_idle(&space, "pepper", 1).await;
    assert!(vault.uses_left(&token).await < USES, "the token was not used");
    assert!(!told(&space, "pepper", &operator.log()).await.contains(&token), "the token was told");
}
