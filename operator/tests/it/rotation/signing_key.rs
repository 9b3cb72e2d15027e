//! The signing key is replaced, and no pod ever refuses what another signs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::DecodePrivateKey};
use muster_operator::{
    crd::secret_rotation::Phase,
    rotation::{ROLLBACK, ROTATE},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
};

use super::{
    pods::{Follower, Pods},
    vault::Vault,
    *,
};
use crate::cluster::Cluster;

/// What any pod signs, every other must honour, all the time.
pub fn sessions(pods: &Pods) -> (Arc<AtomicU64>, Follower) {
    let checked = Arc::new(AtomicU64::new(0));
    let (pods, count) = (pods.clone(), checked.clone());
    let task = tokio::spawn(async move {
        loop {
            let running = pods.running();
            for signer in running.values() {
                for (uid, reader) in &running {
                    let honoured = [reader.get("key"), reader.get("second")];
                    if !honoured.contains(&signer.get("key")) {
                        pods.failed(uid, "a session was refused".to_owned());
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    (checked, Follower(vec![task]))
}

/// Serves the keys of one of the pods, as a Service does.
pub struct KeySet {
    /// Where.
    pub url: String,
    holds: Arc<AtomicBool>,
    held: Arc<Notify>,
    _serving: Follower,
}

impl KeySet {
    /// Of the pods that run.
    pub async fn of(pods: &Pods) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().expect("an address"));
        let (holds, held) = (Arc::<AtomicBool>::default(), Arc::new(Notify::new()));
        let (pods, holding, told) = (pods.clone(), holds.clone(), held.clone());
        let task = tokio::spawn(async move {
            // Whoever asked is left without an answer.
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if holding.swap(false, Ordering::SeqCst) {
                    kept.push(stream);
                    told.notify_one();
                    continue;
                }
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer(&pods).as_bytes()).await;
            }
        });
        Self { url, holds, held, _serving: Follower(vec![task]) }
    }

    /// The next one who asks gets no answer.
    pub fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Waits until somebody got none.
    pub async fn held(&self) {
        tokio::time::timeout(SOON, self.held.notified()).await.expect("the question for the keys");
    }
}

fn answer(pods: &Pods) -> String {
    let pod = pods.running().into_values().next().unwrap_or_default();
    let keys: Vec<_> = [pod.get("key"), pod.get("second")]
        .into_iter()
        .flatten()
        .map(|pem| {
            let key = SigningKey::from_pkcs8_pem(pem).expect("a key");
            json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes()) })
        })
        .collect();
    let body = json!({ "keys": keys }).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_is_replaced_without_a_refused_session_and_back_again() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("sign").await;
    let settings = vault.settings(&vault.url);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut operator = cluster.operator("sign-0", &settings);
    let space = cluster.namespace("rotation-sign").await;
    let (pods, _following) = Pods::follow(&space, "auth");
    let (checked, _checking) = sessions(&pods);
    let keys = KeySet::of(&pods).await;
    deploy(&space, "server", 3).await;
    create(
        &cluster,
        &space,
        "sign",
        json!({
            "source": { "signingKey": { "mount": vault.name, "path": "muster/auth", "key": "signing_key" } },
            "target": { "secret": "auth", "key": "key", "secondKey": "second" },
            "overlap": "1m",
            "restart": [{ "kind": "Deployment", "name": "server" }],
            "verify": { "jwks": { "url": keys.url } },
        }),
    )
    .await;
    wait_idle(&space, "sign", 1).await;
    let first = entry(&space, "auth", "key").await.expect("a key");
    assert_eq!(vault.value("muster/auth", "signing_key").await.as_ref(), Some(&first));
    assert_eq!(entry(&space, "auth", "second").await, None);

    // Forward, with a death in each phase.
    annotate(&space, "sign", ROTATE).await;
    for (life, phase) in [Phase::Announce, Phase::Switch, Phase::Overlap].into_iter().enumerate() {
        wait(&space, "sign", &format!("{phase:?}"), |state| state.phase == phase).await;
        operator.kill();
        operator = cluster.operator(&format!("sign-{}", life + 1), &settings);
    }
    let second = entry(&space, "auth", "key").await.expect("a key");
    assert_ne!(first, second);
    assert_eq!(entry(&space, "auth", "second").await.as_ref(), Some(&first), "the old one is honoured");
    end_overlap(&space, "sign").await;
    wait(&space, "sign", "Forget", |state| state.phase == Phase::Forget).await;
    operator.kill();
    let operator = cluster.operator("sign-9", &settings);
    wait_idle(&space, "sign", 2).await;
    assert_eq!(entry(&space, "auth", "second").await, None, "the old one is forgotten");

    // Forward once more, and back in the middle.
    annotate(&space, "sign", ROTATE).await;
    wait(&space, "sign", "the third in use", |state| state.phase == Phase::Overlap).await;
    let third = entry(&space, "auth", "key").await.expect("a key");
    annotate(&space, "sign", ROLLBACK).await;
    wait(&space, "sign", "back", |state| state.phase == Phase::Overlap && state.turned_back).await;
    assert_eq!(entry(&space, "auth", "key").await.as_ref(), Some(&second));
    end_overlap(&space, "sign").await;
    wait_idle(&space, "sign", 2).await;
    assert_eq!(vault.value("muster/auth", "signing_key").await.as_ref(), Some(&second), "others read the same");

    // With nothing to go back to, it says so and stays as it is.
    annotate(&space, "sign", ROLLBACK).await;
    muster_testkit::eventually(SOON, "the annotation to go", async || {
        get(&space, "sign").await.metadata.annotations.is_none_or(|all| !all.contains_key(ROLLBACK)).then_some(())
    })
    .await;
    wait_idle(&space, "sign", 2).await;

    assert_eq!(pods.failures(), Vec::<String>::new());
    assert!(checked.load(Ordering::Relaxed) > 1000);
    let told = told(&space, "sign", &operator.log()).await;
    for key in [first, second, third] {
        let secret = key.lines().nth(1).expect("the line with the key").to_owned();
        assert!(!told.contains(&secret), "a key was told");
    }
}
