//! A Vault that is sealed in the middle of a rotation: the rotation stops there, says what to do, and goes on when Vault does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use muster_operator::{crd::secret_rotation::Phase, rotation::ROTATE};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{
    database,
    openbao::OpenBao,
    pods::Pods,
    proxy::{Mood, Proxy},
    signing_key::{KeySet, sessions},
    vault::Vault,
    *,
};
use crate::cluster::Cluster;

/// A Vault of the test's own, behind a proxy, and what an operator must know of it.
async fn sealable(name: &str) -> (OpenBao, Vault, Proxy, Vec<String>) {
    let bao = OpenBao::start().await;
    let vault = Vault::at(&bao.url, &bao.token, name).await;
    let proxy = Proxy::start(&vault.url).await;
    let mut settings = vault.settings(&proxy.url).to_vec();
    settings.push("operator.vault.timeout=500ms".to_owned());
    (bao, vault, proxy, settings)
}

/// What the rotation says while Vault is sealed; meanwhile `work` of its users goes on.
async fn wait_told(space: &Space, name: &str, work: &Arc<AtomicU64>) {
    let condition = wait_condition(space, name, "Degraded", "True", "VaultSealed").await;
    let told = "Vault is sealed or in maintenance (503): unseal it with `vault operator unseal`. The version in use stays valid.";
    assert_eq!(condition.message, told);
    wait_condition(space, name, "Ready", "True", "InUse").await;
    let before = work.load(Ordering::Relaxed);
    muster_testkit::eventually(SOON, "its users to go on", async || {
        (work.load(Ordering::Relaxed) > before + 20).then_some(())
    })
    .await;
    let state = state(space, name).await;
    assert_eq!(state.failure.map(|failure| failure.reason).as_deref(), Some("VaultSealed"));
}

/// Where Vault is sealed.
enum At {
    /// Before a call of this kind has reached it.
    Before(&'static str),
    /// After it has done what such a call asked for, of which nobody has heard.
    After(&'static str),
    /// While the proof that processes know the new version is waited for.
    Proof,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_stops_while_vault_is_sealed_and_carries_on_without_a_second_version() {
    let Some(cluster) = Cluster::own().await else { return };
    let (bao, vault, proxy, settings) = sealable("sealed").await;
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let _operator = cluster.operator("sealed", &settings);
    let space = cluster.namespace("rotation-sealed").await;
    let (pods, _following) = Pods::follow(&space, "auth");
    let (checked, _checking) = sessions(&pods);
    let keys = KeySet::of(&pods).await;
    deploy(&space, "server", 2).await;
    let spec = json!({
        "source": { "signingKey": { "mount": vault.name, "path": "muster/auth", "key": "signing_key" } },
        "target": { "secret": "auth", "key": "key", "secondKey": "second" },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "server" }],
        "verify": { "jwks": { "url": keys.url } },
    });
    create(&cluster, &space, "sign", spec).await;
    wait_idle(&space, "sign", 1).await;

    let moments = [At::Before("data"), At::After("data"), At::Proof, At::Before("delete"), At::After("delete")];
    for (rotated, at) in (1..).zip(moments) {
        let (used, next) = (entry(&space, "auth", "key").await, rotated + 1);
        let call = |kind: &str| format!("POST /v1/{}/{kind}/", vault.name);
        match &at {
            At::Before(kind) => proxy.set(Mood::LosesRequest(call(kind))),
            At::After(kind) => proxy.set(Mood::LosesAnswer(call(kind))),
            At::Proof => keys.hold(),
        }
        annotate(&space, "sign", ROTATE).await;
        let at_the_end = matches!(at, At::Before("delete") | At::After("delete"));
        if at_the_end {
            end_overlap(&space, "sign").await;
        }
        match at {
            At::Proof => keys.held().await,
            At::Before(_) | At::After(_) => proxy.lost().await,
        }
        bao.seal().await;
        wait_told(&space, "sign", &checked).await;
        if matches!(at, At::Before("data") | At::After("data")) {
            assert_eq!(entry(&space, "auth", "key").await, used, "the old key is in use");
        }
        assert_ne!(state(&space, "sign").await.phase, Phase::Idle, "it was in the middle");
        bao.unseal().await;
        if !at_the_end {
            end_overlap(&space, "sign").await;
        }
        let state = wait_idle(&space, "sign", next).await;
        assert_eq!(
            (state.versions, vault.versions("muster/auth").await),
            (next, (next, vec![next])),
            "one and no more"
        );
        let now = entry(&space, "auth", "key").await;
        assert_ne!(now, used);
        assert_eq!(vault.value("muster/auth", "signing_key").await, now);
        wait_condition(&space, "sign", "Degraded", "False", "AsExpected").await;
        assert_eq!(pods.failures(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_user_stays_valid_while_vault_is_sealed_and_none_is_left_over() {
    let Some(cluster) = Cluster::own().await else { return };
    let (bao, vault, proxy, settings) = sealable("sealdb").await;
    vault.add_database().await;
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let _operator = cluster.operator("sealed-database", &settings);
    let space = cluster.namespace("rotation-sealed-database").await;
    let (pods, _following) = Pods::follow(&space, "db");
    let (asked, _working) = database::clients(&pods);
    deploy(&space, "app", 1).await;
    create(&cluster, &space, "db", database::spec(&vault)).await;
    wait_idle(&space, "db", 1).await;
    let first = entry(&space, "db", "url").await.expect("a URL");

    // A user was made of whom nobody has heard, and then there is nobody to ask.
    proxy.set(Mood::LosesAnswer("/creds/".to_owned()));
    annotate(&space, "db", ROTATE).await;
    proxy.lost().await;
    bao.seal().await;
    wait_told(&space, "db", &asked).await;
    assert_eq!(entry(&space, "db", "url").await.as_ref(), Some(&first));
    let signed_in = PgConnection::connect(&first).await.expect("the old user is valid");
    signed_in.close().await.expect("closed");
    assert_eq!(vault.users().await.len(), 2, "the one in use, and the one of whom nobody has heard");

    bao.unseal().await;
    end_overlap(&space, "db").await;
    wait(&space, "db", "at rest", |state| state.phase == Phase::Idle && state.answered.is_none()).await;
    let used = entry(&space, "db", "user").await.expect("a user");
    muster_testkit::eventually(SOON, "one user", async || (vault.users().await == [used.clone()]).then_some(())).await;
    assert!(PgConnection::connect(&first).await.is_err(), "the old user has ended");
    wait_condition(&space, "db", "Degraded", "False", "AsExpected").await;
    assert_eq!(pods.failures(), Vec::<String>::new());
}
