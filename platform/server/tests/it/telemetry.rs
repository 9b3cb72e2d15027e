//! Events on their way from a client to the hypertable, whatever dies on the way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_core::id::EventId;
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, EventTypeChange, Store};
use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};

use crate::raw::Http;

/// Longer than a dead writer's batch stays with it.
const PATIENCE: Duration = Duration::from_secs(60);

fn events(count: usize) -> Value {
    let event = |n: usize| {
        let id: EventId = muster_store::fresh_id();
        json!({ "event_id": id, "kind": format!("kind.{}", n % 3), "at": muster_store::now(), "properties": { "n": n } })
    };
    json!({ "events": (0..count).map(event).collect::<Vec<_>>() })
}

/// Sends a batch until it is taken, as a client does that keeps its events; whether it had to repeat itself.
async fn send(http: &Http, token: &str, events: &Value) -> bool {
    let mut tries = 0;
    eventually(PATIENCE, "the events to be taken", async || {
        tries += 1;
        let answer = http.post("/v1/events").bearer_auth(token).body(events.to_string()).send().await.ok()?;
        (answer.status() == 202).then_some(())
    })
    .await;
    tries > 1
}

/// An event type, as somebody at the staff API would make it.
pub async fn define(store: &Store, name: &str, more: Value) {
    let mut definition = json!({ "name": name, "version": 1, "owner": "design" });
    definition.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let newest = store.event_types.get(name).await.unwrap();
    let change = EventTypeChange {
        definition: EventTypeDefinition::from_json(&definition).unwrap(),
        expected_version: newest.map(|newest| newest.definition.version),
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    };
    store.event_types.put(&change, muster_store::now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_that_was_taken_is_lost_or_counted_twice_when_gateway_and_writer_are_killed() {
    let mut platform = Platform::builder()
        .env_of("muster-server", "MUSTER__WRITER__BATCH_EVENTS", "100")
        .env_of("muster-server", "MUSTER__GATEWAY__EVENTS_PER_SECOND", "1000000")
        .server(2)
        .server_roles(0, "gateway")
        .server_roles(1, "writer")
        .start()
        .await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let store = platform.scratch.store.clone();
    for n in 0..3 {
        define(&store, &format!("kind.{n}"), json!({})).await;
    }
    // What is sent before the gateway knows of them is kept apart.
    eventually(PATIENCE, "the gateway to know the types", async || {
        let answer = http.post("/v1/events").bearer_auth(&token).body(events(3).to_string()).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["results"].as_array()?.iter().all(|told| told["verdict"] == "accepted").then_some(())
    })
    .await;
    eventually(PATIENCE, "the stream to be empty", async || (store.telemetry.pending().await.ok()? == 0).then_some(()))
        .await;
    let count = "SELECT count(*) FROM telemetry.events WHERE kind LIKE 'kind._'";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&platform.scratch.sql().await).await.unwrap();
    let (mut sent, mut repeated) = (before, false);
    for victim in [1, 1, 0, 1] {
        let killed = AtomicBool::new(false);
        let sending = async {
            while !killed.load(Ordering::Relaxed) {
                repeated |= send(&http, &token, &events(50)).await;
                sent += 50;
            }
        };
        let killing = async {
            // In the midst of it: some of this round is there already, and some is not.
            let stored = async || Some(store.live.snapshot(muster_store::now()).await.ok()?.events_stored);
            let before = eventually(PATIENCE, "an answer", stored).await;
            eventually(PATIENCE, "something of this round", async || (stored().await? > before).then_some(())).await;
            platform.server(victim).kill9().await;
            platform.restart_server(victim).await;
            killed.store(true, Ordering::Relaxed);
        };
        tokio::join!(sending, killing);
    }
    assert!(repeated, "the gateway was killed while nobody sent");

    let sql = platform.scratch.sql().await;
    let counts = "SELECT (SELECT count(*) FROM telemetry.events WHERE kind LIKE 'kind._'),
        (SELECT sum(events)::bigint FROM telemetry.event_minutes WHERE kind LIKE 'kind._')";
    eventually(PATIENCE, "every event in the hypertable", async || {
        let (stored, counted): (i64, Option<i64>) = sqlx::query_as(counts).fetch_one(&sql).await.unwrap();
        assert!(stored <= sent && counted.unwrap_or_default() == stored, "{stored} stored, {counted:?} counted");
        (stored == sent).then_some(())
    })
    .await;
    eventually(PATIENCE, "the stream to be empty", async || {
        (platform.scratch.store.telemetry.pending().await.ok()? == 0).then_some(())
    })
    .await;
    assert!(platform.scratch.store.telemetry.dead_letters(1).await.unwrap().is_empty());
    platform.finish().await;
}

#[tokio::test]
async fn an_event_with_too_much_to_say_is_refused_and_the_others_are_taken() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut body = events(3);
    body["events"][0]["properties"] = json!({ "text": "x".repeat(16_000) });
    body["events"][1]["properties"] = json!({ "text": "x".repeat(17_000) });
    let answer = http.post("/v1/events").bearer_auth(&token).body(body.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    let verdicts: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|result| result["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["quarantined", "invalid", "quarantined"], "{answer}");
    assert!(answer["results"][1]["reason"].as_str().unwrap().contains("16 KiB"), "{answer}");
    platform.finish().await;
}
