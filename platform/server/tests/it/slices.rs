//! The platform's own events: what players play on, from their sign-in to the answers of staff; and what is switched off.

use std::time::Duration;

use muster_core::telemetry::kind;
use muster_store::{Days, Dimension, Slice, Step};
use muster_testkit::{Platform, eventually};
use serde_json::json;

use crate::telemetry::define;
use crate::way::duel;

#[tokio::test(flavor = "multi_thread")]
async fn tickets_and_matches_are_told_apart_by_platform_build_and_region() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let on = async |name: &str, device: &str, build: &str| {
        let client = platform.client().playing_on(device, build);
        client.sign_in_device(&format!("a-device-of-{name}-{device}"), Some(name)).await.unwrap()
    };
    let (ada, grace) = (on("Ada", "pc", "1.4").await, on("Grace", "ps5", "1.4").await);
    duel(&ada, &grace).await;

    let insights = &platform.scratch.store.insights;
    let today = muster_store::now().date_naive();
    let days = Days::new(today - chrono::TimeDelta::days(1), today).unwrap();
    let matches = async |slice: &Slice, by| {
        let found = insights.matches(days, None, slice, by).await.unwrap();
        found.into_iter().map(|facts| (facts.group, facts.matches)).collect::<Vec<_>>()
    };
    let all = Slice::default();
    let mixed = Some("(mixed)".to_owned());
    eventually(Duration::from_secs(20), "the match in the facts", async || {
        (!matches(&all, None).await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(matches(&all, Some(Dimension::Platform)).await, [(mixed, 1)]);
    assert_eq!(matches(&all, Some(Dimension::Build)).await, [(Some("1.4".to_owned()), 1)]);
    let build = Slice { build: Some("1.3".to_owned()), ..Slice::default() };
    assert!(matches(&build, None).await.is_empty());

    let tickets = async |by| {
        let mut found: Vec<(Option<String>, u64)> = Vec::new();
        for series in insights.queues(days, None, Step::Day, &all, Some(by)).await.unwrap() {
            found.push((series.group, series.whole.tickets));
        }
        found
    };
    let (pc, ps5) = (Some("pc".to_owned()), Some("ps5".to_owned()));
    eventually(Duration::from_secs(20), "the tickets in the facts", async || {
        let told = tickets(Dimension::Platform).await;
        (told.iter().map(|(_, tickets)| tickets).sum::<u64>() == 2).then_some(())
    })
    .await;
    assert_eq!(tickets(Dimension::Platform).await, [(pc, 1), (ps5, 1)]);
    assert_eq!(tickets(Dimension::Build).await, [(Some("1.4".to_owned()), 2)]);
    // A match is where its tickets were matched.
    let regions = tickets(Dimension::Region).await.into_iter().map(|(region, _)| region).collect::<Vec<_>>();
    let of_match = matches(&all, Some(Dimension::Region)).await.into_iter().map(|(region, _)| region);
    assert_eq!(of_match.collect::<Vec<_>>(), regions);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_names_no_platform_is_refused() {
    let platform = Platform::builder().start().await;
    let odd = platform.client().playing_on("pc (my own)", "1.4");
    let error = odd.sign_in_device("a-device-of-the-tests", None).await.unwrap_err();
    assert!(error.to_string().contains("platform"), "{error}");
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_leave_out_what_is_switched_off_of_the_platforms_own() {
    let platform = Platform::builder().start().await;
    let off = json!({ "sources": ["server"], "enabled": false });
    define(&platform.scratch.store, kind::PLAYER_SIGNED_IN, off).await;
    let metric = "muster_telemetry_events_switched_off_total ";
    eventually(Duration::from_secs(20), "an event that is left out", async || {
        platform.player("Ada").await;
        let metrics = platform.metrics(platform.server_ops_url(0)).await;
        let left_out: f64 = metrics.lines().find_map(|line| line.strip_prefix(metric))?.parse().ok()?;
        (left_out > 0.0).then_some(())
    })
    .await;
    platform.finish().await;
}
