//! The operator dies at each step of a rotation, before the step is done and after, and the next one carries on. Meanwhile no pod
//! refuses what another signs.

use axum::http::Method;
use muster_operator::rotation::ROTATE;
use serde_json::json;

use super::{
    pods::Pods,
    proxy::{self, Proxy},
    signing_key::{KeySet, sessions},
    vault::Vault,
    *,
};
use crate::{
    api_proxy::{self, ApiProxy},
    cluster::Cluster,
};

/// The call at which the operator dies.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// A write to the API server whose path ends so.
    Write(&'static str),
    /// A write to Vault of this kind.
    Vault(&'static str),
    /// The question for the keys that processes use.
    Proof,
}

/// What stands between the operator and the world.
struct Between {
    api: ApiProxy,
    vault: Proxy,
    keys: KeySet,
    /// The mount of the test.
    mount: String,
}

impl Between {
    /// The next such call is the last that the operator makes.
    fn arm(&self, at: At, passed_on: bool) {
        match at {
            At::Write(part) => self.api.set(api_proxy::Mood::Loses { method: Method::PATCH, part, passed_on }),
            At::Vault(kind) => {
                let part = format!("POST /v1/{}/{kind}/", self.mount);
                self.vault.set(if passed_on {
                    proxy::Mood::LosesAnswer(part)
                } else {
                    proxy::Mood::LosesRequest(part)
                });
            }
            At::Proof => self.keys.hold(),
        }
    }

    async fn lost(&self, at: At) {
        match at {
            At::Write(_) => self.api.lost().await,
            At::Vault(_) => self.vault.lost().await,
            At::Proof => self.keys.held().await,
        }
    }
}

async fn dies(label: &'static str, at: At) {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new(label).await;
    let space = cluster.namespace(&format!("deaths-{label}")).await;
    let (pods, _following) = Pods::follow(&space, "auth");
    let (checked, _checking) = sessions(&pods);
    let between = Between {
        api: ApiProxy::start(cluster.server.url()).await,
        vault: Proxy::start(&vault.url).await,
        keys: KeySet::of(&pods).await,
        mount: vault.name.clone(),
    };
    let mut settings = vault.settings(&between.vault.url).to_vec();
    settings.push("operator.lease_duration=2s".to_owned());
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let live = |life: u32| cluster.operator_through(&between.api.url, &format!("{label}-{life}"), &settings);

    let mut operator = live(0);
    deploy(&space, "server", 3).await;
    let spec = json!({
        "source": { "signingKey": { "mount": vault.name, "path": "muster/auth", "key": "signing_key" } },
        "target": { "secret": "auth", "key": "key", "secondKey": "second" },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "server" }],
        "verify": { "jwks": { "url": between.keys.url } },
    });
    create(&cluster, &space, "sign", spec).await;
    wait_idle(&space, "sign", 1).await;
    let first = entry(&space, "auth", "key").await.expect("a key");

    between.arm(at, false);
    annotate(&space, "sign", ROTATE).await;
    let at_the_end = at == At::Vault("delete");
    if at_the_end {
        end_overlap(&space, "sign").await;
    }
    between.lost(at).await;
    operator.kill();
    between.arm(at, true);
    operator = live(1);
    between.lost(at).await;
    operator.kill();
    assert_ne!(state(&space, "sign").await.phase, Phase::Idle, "it died in the middle");
    let operator = live(2);
    if !at_the_end {
        end_overlap(&space, "sign").await;
    }

    let state = wait_idle(&space, "sign", 2).await;
    assert_eq!(pods.failures(), Vec::<String>::new());
    assert!(checked.load(std::sync::atomic::Ordering::Relaxed) > 100);
    let (versions, alive) = vault.versions("muster/auth").await;
    assert_eq!(
        (state.versions, versions, alive),
        (2, 2, vec![2]),
        "one was made, none was lost, the old one is retired"
    );
    let second = entry(&space, "auth", "key").await.expect("a key");
    assert_ne!(first, second);
    assert_eq!(vault.value("muster/auth", "signing_key").await.as_ref(), Some(&second));
    assert_eq!(entry(&space, "auth", "second").await, None);
    drop(operator);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_a_rotation_begins() {
    dies("begin", At::Write("/secretrotations/sign/status")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_a_new_version_is_written_to_vault() {
    dies("make", At::Vault("data")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_the_secret_is_written() {
    dies("sync", At::Write("/secrets/auth")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_the_workloads_are_told_to_restart() {
    dies("roll", At::Write("/deployments/server")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_the_new_version_is_proved_in_use() {
    dies("verify", At::Proof).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_dies_when_the_old_version_is_retired() {
    dies("retire", At::Vault("delete")).await;
}
