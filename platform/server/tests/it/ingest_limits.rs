//! Too many events: each sender has a limit, and a platform that is full says so.

use std::time::Duration;

use muster_core::id::EventId;
use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};

use crate::raw::{Http, problem};

const PATIENCE: Duration = Duration::from_secs(20);

fn events(count: usize, bytes: usize) -> String {
    let event = |_| {
        let id: EventId = muster_store::fresh_id();
        let properties = json!({ "text": "x".repeat(bytes) });
        json!({ "event_id": id, "kind": "session.started", "at": muster_store::now(), "properties": properties })
    };
    json!((0..count).map(event).collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn who_tells_too_much_hears_which_events_to_send_again_and_when() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__EVENTS_PER_SECOND", "2")
        .env_of("muster-server", "MUSTER__GATEWAY__TRUSTED_EVENTS_PER_SECOND", "100")
        .start()
        .await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let post = |token: &str, count| http.post("/v1/events").bearer_auth(token).body(events(count, 1));
    let answer = post(&token, 50).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let answer: Value = answer.json().await.unwrap();
    let told: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|told| told["verdict"].as_str().unwrap()).collect();
    let taken = told.iter().take_while(|verdict| **verdict == "accepted").count();
    // Ten seconds' worth at once, the request itself among it.
    assert!((19..=22).contains(&taken) && told[taken..].iter().all(|verdict| *verdict == "rate_limited"), "{told:?}");
    assert!(answer["results"][49]["event_id"].as_str().unwrap().starts_with("evt_"));
    let refused = post(&token, 50).send().await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    problem(refused, 429, "too_many_requests").await;

    // Others have limits of their own.
    let (_, other) = http.sign_in("Bob").await;
    assert_eq!(post(&other, 5).send().await.unwrap().status(), 202);
    let (_, key) = platform
        .scratch
        .store
        .service_keys
        .create("game-backend", muster_store::KeyPurpose::Game, muster_store::now())
        .await
        .unwrap();
    assert_eq!(post(&key, 500).send().await.unwrap().status(), 202);

    let store = &platform.scratch.store;
    let all = taken as u64 + 505;
    eventually(PATIENCE, "what was taken, and nothing else", async || {
        (store.telemetry.census("session.started").await.unwrap().events == all).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_full_stream_is_429_with_retry_after_and_nothing_that_was_acknowledged_is_lost() {
    // Nobody writes, until the stream is full.
    let mut platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__EVENTS_PER_SECOND", "1000000")
        .env_of("muster-server", "MUSTER__WRITER__BACKLOG_BYTES", "67108864")
        .server(2)
        .server_roles(0, "gateway")
        .server_roles(1, "writer")
        .start()
        .await;
    platform.server(1).kill9().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut taken = 0;
    let refused = loop {
        let answer = http.post("/v1/events").bearer_auth(&token).body(events(60, 15_000)).send().await.unwrap();
        if answer.status() != 202 {
            break answer;
        }
        taken += 60;
        assert!(taken < 12_000, "64 MiB are not that much");
    };
    assert!(taken > 60);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    problem(refused, 429, "busy").await;

    platform.restart_server(1).await;
    let store = &platform.scratch.store;
    eventually(Duration::from_secs(60), "room again", async || {
        (store.telemetry.pending().await.ok()? == 0).then_some(())
    })
    .await;
    // Of the refused request a part may be there: each of its messages is taken or not.
    let stored = store.telemetry.census("session.started").await.unwrap().events;
    assert!((taken..taken + 60).contains(&stored), "{stored} stored, {taken} acknowledged");
    let again = http.post("/v1/events").bearer_auth(&token).body(events(60, 15_000)).send().await.unwrap();
    assert_eq!(again.status(), 202);
    platform.finish().await;
}
