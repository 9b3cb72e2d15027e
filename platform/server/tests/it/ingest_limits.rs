//! Too many events: each sender has a limit, and a platform that is full says so.

use std::time::Duration;

use futures::future::join_all;
use muster_core::id::EventId;
use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};

use crate::raw::{Http, in_hand, last_words, problem, silent};

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

#[tokio::test]
async fn who_promises_much_and_says_nothing_is_ended_and_keeps_nobody_out_for_long() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let post = |token: &str| http.post("/v1/events").bearer_auth(token).body(events(2, 1));
    let (_, honest) = http.sign_in("Ada").await;
    // Before anything is in hand: what follows has to be faster than the server's patience.
    let names: Vec<_> = (0..31).map(|n| format!("Mallory {n}")).collect();
    let many = join_all(names.iter().map(|name| http.sign_in(name))).await;

    // One player has four requests in hand at most, however many connections they make.
    let (_, hostile) = http.sign_in("Eve").await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(in_hand(&http.base, "/v1/events", &hostile, (1 << 20) - 1).await);
    }
    let refused = post(&hostile).send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    problem(refused, 429, "too_many_requests").await;
    let fifth = last_words(silent(&http.base, "/v1/events", &hostile, (1 << 20) - 1).await).await;
    assert!(fifth.starts_with("HTTP/1.1 429"), "it is refused before its body is there: {fifth}");
    assert_eq!(post(&honest).send().await.unwrap().status(), 202);

    // Many of them fill the room, and everybody is told to come again.
    for token in many.iter().flat_map(|(_, token)| [token; 4]) {
        waiting.push(in_hand(&http.base, "/v1/events", token, (1 << 20) - 1).await);
    }
    let refused = post(&honest).send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "2");
    problem(refused, 429, "busy").await;

    // Until they are ended, and have given it back.
    let words = last_words(waiting.swap_remove(0)).await;
    assert!(words.starts_with("HTTP/1.1 408") && words.contains("application/problem+json"), "{words}");
    assert!(words.contains(r#""code":"body_too_slow""#), "{words}");
    eventually(PATIENCE, "room again", async || (post(&honest).send().await.unwrap().status() == 202).then_some(()))
        .await;
    platform.finish().await;
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_read_or_taken_apart() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let large = last_words(silent(&http.base, "/v1/events", &token, (1 << 20) + 1).await).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    // Small as it comes, and a hundred times as large as values.
    let values = format!("[{}]", vec![r#"{"a":0}"#; 120_000].join(","));
    let answer = http.post("/v1/events").bearer_auth(&token).body(values).send().await.unwrap();
    problem(answer, 413, "body_too_large").await;
    platform.finish().await;
}

#[tokio::test]
async fn events_are_taken_while_postgres_is_away_of_those_who_are_known_and_others_are_told_when_to_come_again() {
    let platform =
        Platform::builder().server(2).server_roles(0, "gateway").server_roles(1, "writer").wired(0).start().await;
    let http = Http::of(&platform);
    let store = &platform.scratch.store;
    let (_, known) = http.sign_in("Ada").await;
    let (_, unknown) = http.sign_in("Bob").await;
    let (_, key) =
        store.service_keys.create("game-backend", muster_store::KeyPurpose::Game, muster_store::now()).await.unwrap();
    let post = |token: &str| http.post("/v1/events").bearer_auth(token).body(events(3, 1));
    assert_eq!(post(&known).send().await.unwrap().status(), 202);

    platform.wires().postgres.cut();
    for _ in 0..3 {
        assert_eq!(post(&known).send().await.unwrap().status(), 202);
    }
    for token in [&unknown, &key] {
        let refused = post(token).send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "2");
        problem(refused, 429, "busy").await;
    }
    platform.wires().postgres.mend();
    eventually(PATIENCE, "an answer to everybody", async || {
        for token in [&known, &unknown, &key] {
            if post(token).send().await.unwrap().status() != 202 {
                return None;
            }
        }
        Some(())
    })
    .await;
    eventually(PATIENCE, "all that was taken", async || {
        (store.telemetry.census("session.started").await.unwrap().events >= 21).then_some(())
    })
    .await;
    platform.finish().await;
}
