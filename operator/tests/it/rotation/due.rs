//! A rotation begins by itself when it is time.

use k8s_openapi::jiff::{SignedDuration, Timestamp, tz::TimeZone};
use muster_operator::crd::secret_rotation::Cause;
use serde_json::json;

use super::{vault::Vault, *};
use crate::cluster::Cluster;

/// Half an hour off, and without summer time.
const ZONE: &str = "Asia/Kolkata";

fn spec(vault: &Vault) -> Value {
    json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "pepper" } },
        "target": { "secret": "app", "key": "pepper" }, "interval": "720h", "overlap": "1m",
    })
}

/// Lets the version in use be of that time.
async fn in_use_since(space: &Space, name: &str, at: &str) {
    let patch = json!({ "status": { "rotation": { "inUseSince": at } } });
    let api = space.all::<SecretRotation>();
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("the clock goes on");
}

async fn next_rotation(space: &Space, name: &str) -> Option<Timestamp> {
    get(space, name).await.status?.next_rotation_at.map(|at| at.0)
}

/// A full minute in ten to seventy seconds, and the cron line that means it and the same one of every other day.
fn next_minute() -> (Timestamp, String) {
    let soon = Timestamp::now() + SignedDuration::from_secs(10);
    let due = Timestamp::from_second((soon.as_second() / 60 + 1) * 60).expect("a moment");
    let there = due.to_zoned(TimeZone::get(ZONE).expect("a time zone"));
    (due, format!("{} {} * * *", there.minute(), there.hour()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_made_when_the_interval_is_over() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("due").await;
    let settings = vault.settings(&vault.url);
    let _operator = cluster.operator("due", &settings.each_ref().map(String::as_str));
    let space = cluster.namespace("rotation-due").await;
    create(&cluster, &space, "pepper", spec(&vault)).await;
    wait_idle(&space, "pepper", 1).await;
    let now = Timestamp::now();
    let due = eventually(SOON, "the next time", async || next_rotation(&space, "pepper").await).await;
    let away = due.duration_since(now).as_hours();
    assert!((719..=720).contains(&away), "in {away} h");

    // A month later; nobody has asked.
    in_use_since(&space, "pepper", "2020-01-01T00:00:00Z").await;
    end_overlap(&space, "pepper").await;
    wait_idle(&space, "pepper", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_made_at_the_minute_of_a_cron_line() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("cron").await;
    let mut settings = vault.settings(&vault.url).to_vec();
    // So that it does not look every second anyway: nothing but the moment itself makes it begin.
    settings.push("operator.compare_secrets=10m".to_owned());
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let _operator = cluster.operator("cron", &settings);
    let space = cluster.namespace("rotation-cron").await;
    create(&cluster, &space, "pepper", spec(&vault)).await;
    wait_idle(&space, "pepper", 1).await;

    let (due, cron) = next_minute();
    change(&space, "pepper", json!({ "schedule": { "cron": cron, "timeZone": ZONE } })).await;
    eventually(SOON, "the minute to be told", async || {
        (next_rotation(&space, "pepper").await == Some(due)).then_some(())
    })
    .await;
    let state = eventually(SOON * 2, "the second version in use", async || {
        Some(state(&space, "pepper").await).filter(|state| state.phase == Phase::Overlap)
    })
    .await;
    assert_eq!((state.versions, state.cause), (2, Some(Cause::Due)));
    let late = state.in_use_since.expect("a moment").0.duration_since(due);
    assert!((0..30).contains(&late.as_secs()), "{late} after the minute");
    // The next look tells it, which follows at once.
    eventually(SOON, "the same minute tomorrow to be told", async || {
        (next_rotation(&space, "pepper").await == Some(due + SignedDuration::from_hours(24))).then_some(())
    })
    .await;
}
