//! Bad requests: each gets a problem that says what to do, and harms nothing.

use std::time::Duration;

use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};

use crate::raw::{Http, problem};

#[tokio::test]
async fn a_body_that_is_not_what_the_document_says_is_explained() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);

    let answer = http.post("/v1/auth/device").body("{\"device_id\": ").send().await.unwrap();
    problem(answer, 400, "malformed_request").await;

    let short = json!({ "device_id": "short" }).to_string();
    let body = problem(http.post("/v1/auth/device").body(short).send().await.unwrap(), 422, "invalid_field").await;
    assert_eq!(body["errors"][0]["path"], "device_id", "{body}");

    let foreign = json!({ "device_id": "0123456789abcdef", "admin": true }).to_string();
    let body = problem(http.post("/v1/auth/device").body(foreign).send().await.unwrap(), 422, "invalid_field").await;
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("admin"), "{body}");

    let wrong_type = json!({ "device_id": 7 }).to_string();
    let body = problem(http.post("/v1/auth/device").body(wrong_type).send().await.unwrap(), 422, "invalid_field").await;
    assert_eq!(body["errors"][0]["path"], "device_id", "{body}");

    problem(http.get("/v1/nothing-here").send().await.unwrap(), 404, "not_found").await;
    problem(http.get("/v1/tickets").send().await.unwrap(), 405, "method_not_allowed").await;
    platform.finish().await;
}

#[tokio::test]
async fn a_body_of_two_megabytes_is_refused() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let body = json!({ "events": [{ "padding": "x".repeat(2 * 1024 * 1024) }] }).to_string();
    let answer = http.post("/v1/events").bearer_auth(&token).body(body).send().await.unwrap();
    problem(answer, 413, "body_too_large").await;
    platform.finish().await;
}

#[tokio::test]
async fn tokens_that_are_stale_foreign_or_missing_are_told_apart() {
    let platform = Platform::builder().env_of("muster-server", "MUSTER__AUTH__TOKEN_TTL", "1s").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;

    problem(http.get("/v1/me").send().await.unwrap(), 401, "token_missing").await;
    problem(http.get("/v1/me").bearer_auth("not.a.token").send().await.unwrap(), 401, "token_invalid").await;
    let stale = eventually(Duration::from_secs(10), "the token to expire", async || {
        let answer = http.get("/v1/me").bearer_auth(&token).send().await.unwrap();
        (answer.status() == 401).then_some(answer)
    })
    .await;
    problem(stale, 401, "token_expired").await;
    platform.finish().await;
}

#[tokio::test]
async fn a_queue_of_an_unknown_mode_is_refused_and_leaves_the_player_free() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let wish = |queue: &str| http.post("/v1/tickets").bearer_auth(&token).body(json!({ "queue": queue }).to_string());

    let body = problem(wish("chess-ranked").send().await.unwrap(), 422, "unknown_queue").await;
    assert!(body["detail"].as_str().unwrap().contains("classic-ranked"), "{body}");

    let answer = wish("classic-ranked").header("idempotency-key", "wish-1").send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let ticket: Value = answer.json().await.unwrap();
    let again = wish("classic-ranked").header("idempotency-key", "wish-1").send().await.unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap()["ticket_id"], ticket["ticket_id"]);
    problem(wish("classic-ranked").header("idempotency-key", "wish-2").send().await.unwrap(), 409, "ticket_exists")
        .await;
    let bad_key = wish("classic-ranked").header("idempotency-key", "has spaces").send().await.unwrap();
    problem(bad_key, 422, "invalid_field").await;

    // Somebody else's ticket is not there for others.
    let (_, stranger) = http.sign_in("Mallory").await;
    let path = format!("/v1/tickets/{}", ticket["ticket_id"].as_str().unwrap());
    problem(http.get(&path).bearer_auth(&stranger).send().await.unwrap(), 404, "not_found").await;
    let body =
        problem(http.get("/v1/tickets/tkt_nonsense").bearer_auth(&token).send().await.unwrap(), 422, "invalid_field")
            .await;
    assert_eq!(body["errors"][0]["path"], "id");
    platform.finish().await;
}

#[tokio::test]
async fn each_event_gets_its_own_verdict() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let event = |kind: &str, at: chrono::DateTime<chrono::Utc>| {
        let id: muster_core::id::EventId = muster_store::fresh_id();
        json!({ "event_id": id, "kind": kind, "at": at, "properties": { "level": 3 } })
    };
    let now = chrono::Utc::now();
    let events = json!({ "events": [
        event("session.started", now),
        event("Level Started!", now),
        event("session.started", now + chrono::TimeDelta::hours(5)),
    ]});
    let answer = http.post("/v1/events").bearer_auth(&token).body(events.to_string()).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    let verdicts: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|result| result["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["accepted", "invalid", "invalid"], "{answer}");
    assert_eq!(
        (&answer["results"][1]["path"], &answer["results"][2]["path"]),
        (&json!("kind"), &json!("at")),
        "{answer}"
    );

    let pool = platform.scratch.sql().await;
    let stored = eventually(Duration::from_secs(10), "the accepted event in the hypertable", async || {
        let (count,): (i64,) = sqlx::query_as(
            "select count(*) from telemetry.events where kind = 'session.started' and source = 'client'",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        (count > 0).then_some(count)
    })
    .await;
    assert_eq!(stored, 1);
    platform.finish().await;
}
