//! Database users are replaced while clients are connected all the time, and the operator dies at every step.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use muster_operator::{crd::secret_rotation::Phase, rotation::ROTATE};
use muster_testkit::{eventually, services};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{
    pods::{Follower, Pods},
    proxy::{Mood, Proxy},
    vault::Vault,
    *,
};
use crate::cluster::Cluster;

pub fn spec(vault: &Vault) -> Value {
    let postgres = url::Url::parse(&services().postgres_url).expect("a URL");
    let (host, port) = (postgres.host_str().expect("a host"), postgres.port().unwrap_or(5432));
    let database = postgres.path().trim_start_matches('/');
    json!({
        "source": { "vaultDatabase": { "mount": vault.engine(), "role": vault.name, "tokenRole": vault.name } },
        "target": {
            "secret": "db", "key": "url", "usernameKey": "user",
            "template": format!("postgres://{{username}}:{{password}}@{host}:{port}/{database}"),
        },
        "overlap": "1m",
        "restart": [{ "kind": "Deployment", "name": "app" }],
        "verify": { "postgres": { "host": host, "port": port, "database": database, "tls": "Disable" } },
    })
}

/// In every pod a client that keeps one connection and signs in anew all the time.
pub fn clients(pods: &Pods) -> (Arc<AtomicU64>, Follower) {
    let (asked, pods) = (Arc::new(AtomicU64::new(0)), pods.clone());
    let count = asked.clone();
    let task = tokio::spawn(async move {
        let mut known = HashSet::new();
        let mut working = Follower(Vec::new());
        loop {
            for (uid, start) in pods.running() {
                if known.insert(uid.clone()) {
                    let (pods, count) = (pods.clone(), count.clone());
                    working.0.push(tokio::spawn(async move { client(&pods, &uid, &start["url"], &count).await }));
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    (asked, Follower(vec![task]))
}

async fn client(pods: &Pods, uid: &str, url: &str, asked: &AtomicU64) {
    let mut kept: Option<PgConnection> = None;
    while pods.running().contains_key(uid) {
        let result = async {
            let connection = match &mut kept {
                Some(connection) => connection,
                kept => kept.insert(PgConnection::connect(url).await?),
            };
            sqlx::query("SELECT 1").execute(connection).await?;
            let mut fresh = PgConnection::connect(url).await?;
            sqlx::query("SELECT 1").execute(&mut fresh).await?;
            fresh.close().await
        };
        match result.await {
            Ok(()) => {
                asked.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                kept = None;
                pods.failed(uid, error.to_string());
            }
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_replaced_while_clients_work_and_the_operator_dies_at_every_step() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::with_database("dbdie").await;
    let proxy = Proxy::start(&vault.url).await;
    let settings = vault.settings(&proxy.url);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let space = cluster.namespace("rotation-database").await;
    let (pods, _following) = Pods::follow(&space, "db");
    let (asked, _working) = clients(&pods);
    deploy(&space, "app", 2).await;
    let mut operator = cluster.operator("database-0", &settings);
    create(&cluster, &space, "db", spec(&vault)).await;
    wait_idle(&space, "db", 1).await;
    let first = entry(&space, "db", "user").await.expect("a user");
    eventually(SOON, "clients at work", async || (asked.load(Ordering::Relaxed) > 0).then_some(())).await;

    // Calls to Vault whose answer nobody heard: the owner's token, the sign-in data, the end of the old.
    let mut lives = 0;
    let mut again = |operator: &mut crate::operator::Operator| {
        lives += 1;
        operator.kill();
        *operator = cluster.operator(&format!("database-{lives}"), &settings);
    };
    for part in ["auth/token/create", "/creds/", "sys/leases/revoke", "revoke-accessor"] {
        let before = state(&space, "db").await.current.expect("a version").number;
        proxy.set(Mood::LosesAnswer(part.to_owned()));
        annotate(&space, "db", ROTATE).await;
        if part.contains("revoke") {
            end_overlap(&space, "db").await;
        }
        proxy.lost().await;
        again(&mut operator);
        if !part.contains("revoke") {
            end_overlap(&space, "db").await;
        }
        let state = wait(&space, "db", "at rest", |state| {
            state.phase == Phase::Idle && state.current.as_ref().is_some_and(|current| current.number > before)
        });
        state.await;
        assert_eq!(pods.failures(), Vec::<String>::new(), "after {part}");
        eventually(SOON, "one user", async || (vault.users().await.len() == 1).then_some(())).await;
    }

    // Deaths between the steps: while workloads restart, in the overlap, and before the end of the old.
    for phase in [Phase::Make, Phase::Switch, Phase::Overlap, Phase::Retire] {
        let before = state(&space, "db").await.current.expect("a version").number;
        annotate(&space, "db", ROTATE).await;
        let begun = |state: &muster_operator::crd::secret_rotation::RotationState| state.versions > before;
        match phase {
            Phase::Make => {
                wait(&space, "db", "begun", |state| state.phase != Phase::Idle).await;
                again(&mut operator);
            }
            Phase::Switch => {
                wait(&space, "db", "switching", |state| state.phase == Phase::Switch && begun(state)).await;
                again(&mut operator);
            }
            _ => {}
        }
        wait(&space, "db", "the overlap", |state| state.phase == Phase::Overlap && begun(state)).await;
        assert_eq!(vault.users().await.len(), 2, "both are valid in the overlap");
        if phase == Phase::Overlap {
            again(&mut operator);
        }
        if phase == Phase::Retire {
            operator.kill();
        }
        end_overlap(&space, "db").await;
        if phase == Phase::Retire {
            again(&mut operator);
        }
        wait(&space, "db", "at rest", |state| state.phase == Phase::Idle && begun(state)).await;
        eventually(SOON, "one user", async || (vault.users().await.len() == 1).then_some(())).await;
    }

    let last = entry(&space, "db", "user").await.expect("a user");
    assert_ne!(first, last);
    assert_eq!(vault.users().await, [last]);
    assert_eq!(pods.failures(), Vec::<String>::new());
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked > 200, "only {asked} requests were made");
    let password = url::Url::parse(&entry(&space, "db", "url").await.expect("a URL")).expect("a URL");
    let told = told(&space, "db", &operator.log()).await;
    assert!(!told.contains(password.password().expect("a password")), "the password was told");
    eprintln!("{asked} requests, none failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_kept_alive_and_replaced_before_it_must_end() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::with_database("dbttl").await;
    vault.role("6s", "20s").await;
    let settings = vault.settings(&vault.url);
    let _operator = cluster.operator("ttl", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-ttl").await;
    let (pods, _following) = Pods::follow(&space, "db");
    let (asked, _working) = clients(&pods);
    deploy(&space, "app", 1).await;
    create(&cluster, &space, "db", spec(&vault)).await;
    wait_idle(&space, "db", 1).await;
    // Renewed past its first 6 s, and another one made before its 20 s are over.
    let made = tokio::time::Instant::now();
    wait(&space, "db", "the next version in use", |state| state.current.as_ref().is_some_and(|v| v.number == 2)).await;
    let after = made.elapsed();
    assert!(after > Duration::from_secs(8) && after < Duration::from_secs(20), "replaced after {after:?}");
    // The second one does not last until its overlap of a minute is over: the third is made before that.
    wait(&space, "db", "the one after it in use", |state| state.current.as_ref().is_some_and(|v| v.number == 3)).await;
    assert!(made.elapsed() < Duration::from_secs(50), "replaced after {:?}", made.elapsed());
    let told = told(&space, "db", "").await;
    assert!(told.contains("OverlapCut") && told.contains("longer max_ttl"), "{told}");
    assert_eq!(pods.failures(), Vec::<String>::new());
    assert!(asked.load(Ordering::Relaxed) > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_in_use_is_kept_alive_while_its_rotation_is_paused() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::with_database("dbpause").await;
    vault.role("6s", "1h").await;
    let settings = vault.settings(&vault.url);
    let operator = cluster.operator("paused-users", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-paused-users").await;
    let (pods, _following) = Pods::follow(&space, "db");
    let (asked, _working) = clients(&pods);
    deploy(&space, "app", 1).await;
    create(&cluster, &space, "db", spec(&vault)).await;
    wait_idle(&space, "db", 1).await;
    annotate(&space, "db", "muster.dev/paused").await;
    wait_condition(&space, "db", "Progressing", "False", "Paused").await;
    annotate(&space, "db", ROTATE).await;
    // Longer than twice what Vault lets a user live that nobody prolongs.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let before = asked.load(Ordering::Relaxed);
    eventually(SOON, "clients at work", async || (asked.load(Ordering::Relaxed) > before + 5).then_some(())).await;
    assert_eq!(pods.failures(), Vec::<String>::new());
    // Nothing else was done, and nothing is written while nothing changes.
    let stands = state(&space, "db").await;
    assert_eq!((stands.versions, stands.phase), (1, Phase::Idle));
    let version = async || get(&space, "db").await.metadata.resource_version;
    let rest = (version().await, operator.writes().await);
    operator.wait_reconciles("SecretRotation", 2.0).await;
    assert_eq!((version().await, operator.writes().await), rest);
}
