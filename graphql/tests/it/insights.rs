//! Questions of staff: answers, files, and events as they come in.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{SessionId, SubjectId};
use muster_store::{AuditOutcome, SeenEvent, StaffRole, Store, TelemetryEvent, TelemetrySource, fresh_id};
use serde_json::{Value, json};

use crate::support::{Api, Socket};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Three players on the first of January, two of them on the second; one session each day.
pub async fn played(store: &Store) {
    let subjects: Vec<SubjectId> = (0..3).map(|_| fresh_id()).collect();
    let mut events = Vec::new();
    for (day, players) in [("2026-01-01T10:00:00Z", 3), ("2026-01-02T10:00:00Z", 2)] {
        for (place, subject) in subjects.iter().take(players).enumerate() {
            let at = time(day);
            let session = SessionId::new(at, [u8::try_from(place).unwrap(); 10]);
            for (kind, minutes) in [("shop.opened", 0), ("client.error", 5), ("shop.bought", 10)] {
                let mut event = event(kind, at + TimeDelta::minutes(minutes));
                event.subject_id = Some(*subject);
                event.session_id = Some(session);
                event.region = Some(if place == 0 { "=eu" } else { "us" }.to_owned());
                events.push(event);
            }
        }
    }
    let seen: Vec<SeenEvent<'_>> = events.iter().map(SeenEvent::from).collect();
    store.insights.backfill(&seen).await.unwrap();
    store.insights.fold_all().await.unwrap();
}

fn event(kind: &str, at: DateTime<Utc>) -> TelemetryEvent {
    TelemetryEvent::new(fresh_id(), TelemetrySource::Client, kind, at, at)
}

const RANGE: &str = r#"from: "2026-01-01", to: "2026-01-02""#;

#[tokio::test]
async fn questions_of_players_and_sessions_are_answered() {
    let api = Api::start().await;
    let token = api.viewer().await;
    played(api.store()).await;
    for (query, expected) in [
        (
            format!("activePlayers({RANGE}) {{ day daily monthly group }}"),
            json!([{ "day": "2026-01-01", "daily": 3, "monthly": 3, "group": null },
                   { "day": "2026-01-02", "daily": 2, "monthly": 3, "group": null }]),
        ),
        (
            format!("activePlayers({RANGE}, by: REGION, slice: {{ region: \"us\" }}) {{ daily group }}"),
            json!([{ "daily": 2, "group": "us" }, { "daily": 1, "group": "us" }]),
        ),
        (
            format!("retention({RANGE}, after: [1]) {{ players returned {{ daysAfter players }} }}"),
            json!([{ "players": 3, "returned": [{ "daysAfter": 1, "players": 2 }] },
                   { "players": 0, "returned": [{ "daysAfter": 1, "players": 0 }] }]),
        ),
        (
            format!("sessionFacts({RANGE}) {{ whole {{ sessions meanMs errorRate errors }} days {{ day }} }}"),
            json!([{ "whole": { "sessions": 5, "meanMs": 600_000.0, "errorRate": 1.0, "errors": 5 },
                     "days": [{ "day": "2026-01-01" }, { "day": "2026-01-02" }] }]),
        ),
        (
            format!(r#"funnel({RANGE}, kinds: ["shop.opened", "shop.bought"]) {{ kind players medianMs }}"#),
            json!([{ "kind": "shop.opened", "players": 3, "medianMs": 0 },
                   { "kind": "shop.bought", "players": 3, "medianMs": 600_000 }]),
        ),
        (
            format!("churn({RANGE}, horizonDays: 1) {{ daysAway times gone risk playersNow }}"),
            json!([{ "daysAway": 0, "times": 3, "gone": 1, "risk": 1.0 / 3.0, "playersNow": 2 },
                   { "daysAway": 1, "times": 0, "gone": 0, "risk": null, "playersNow": 1 }]),
        ),
        (
            format!("eventKinds({RANGE}, first: 1) {{ kind source events share }}"),
            json!([{ "kind": "client.error", "source": "client", "events": 5, "share": 1.0 / 3.0 }]),
        ),
        (
            r#"concurrency(from: "2026-01-01T10:00:00Z", to: "2026-01-01T12:00:00Z") { at sessions }"#.to_owned(),
            json!([{ "at": "2026-01-01T10:00:00.000Z", "sessions": 0.5 },
                   { "at": "2026-01-01T11:00:00.000Z", "sessions": 0.0 }]),
        ),
        ("playersPlaying { players }".to_owned(), json!([{ "players": 0 }])),
    ] {
        let answer = api.data(&token, &format!("{{ answer: {query} }}"), json!({})).await;
        assert_eq!(answer["answer"], expected, "{query}");
    }
    let space = api.data(&token, "{ hypertables { table chunks bytes } }", json!({})).await;
    assert!(space["hypertables"].as_array().unwrap().iter().any(|it| it["table"] == "insights.sessions"), "{space}");
    api.finish().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    let api = Api::start().await;
    let token = api.viewer().await;
    for query in [
        r#"{ activePlayers(from: "2026-01-02", to: "2026-01-01") { daily } }"#,
        r#"{ activePlayers(from: "2026-01-01", to: "2026-12-31") { daily } }"#,
        r#"{ activePlayers(from: "yesterday", to: "2026-12-31") { daily } }"#,
        r#"{ funnel(from: "2026-01-01", to: "2026-01-02", kinds: ["a"]) { players } }"#,
        r#"{ churn(from: "2026-01-01", to: "2026-01-02", horizonDays: 61) { risk } }"#,
        r#"{ eventKinds(from: "2026-01-01", to: "2026-01-02", first: -1) { events } }"#,
        r#"{ concurrency(from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z", step: MINUTE) { sessions } }"#,
        r#"{ platformSamples(from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z", stepMinutes: 0) { at } }"#,
    ] {
        assert_eq!(api.refusal(Some(&token), query, json!({})).await, "bad_input", "{query}");
    }
    let signed_out = format!("{{ activePlayers({RANGE}) {{ daily }} }}");
    assert_eq!(api.refusal(None, &signed_out, json!({})).await, "unauthenticated");
    api.finish().await;
}

pub async fn export(api: &Api, token: Option<&str>, asked: &Value) -> reqwest::Response {
    let request = api.http.post(export_url(api.address)).json(asked);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

fn export_url(address: SocketAddr) -> String {
    format!("http://{address}/export")
}

#[tokio::test]
async fn an_answer_leaves_as_a_file_and_the_audit_log_knows() {
    let api = Api::start().await;
    played(api.store()).await;
    let viewer = api.viewer().await;
    api.add_staff("operator@example.test", StaffRole::Operator).await;
    let operator = api.sign_in("operator@example.test").await;
    let asked = |format: &str| json!({ "question": "active_players", "format": format, "from": "2026-01-01", "to": "2026-01-02", "by": "region" });

    let file = export(&api, Some(&operator), &asked("csv")).await;
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["content-type"], "text/csv; charset=utf-8");
    let name = file.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(name, "attachment; filename=\"active_players_2026-01-01_2026-01-02.csv\"");
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "group,day,daily,weekly,monthly,stickiness");
    assert_eq!(lines[1], "'=eu,2026-01-01,1,1,1,1");
    assert_eq!(lines.len(), 5);

    let file = export(&api, Some(&operator), &asked("parquet")).await;
    let bytes = file.bytes().await.unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));

    let refused = export(&api, Some(&viewer), &asked("csv")).await;
    assert_eq!(refused.status(), 403);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], "forbidden");
    assert_eq!(export(&api, None, &asked("csv")).await.status(), 401);
    for wrong in [
        asked("xlsx"),
        json!({}),
        json!({ "question": "funnel", "format": "csv", "from": "2026-01-01", "to": "2026-01-02",
        "kinds": ["a"], "within_hours": 1 }),
    ] {
        assert_eq!(export(&api, Some(&operator), &wrong).await.status(), 400, "{wrong}");
    }

    let entries = api.store().audit.list(None, 50).await.unwrap();
    let entries = entries.into_iter().map(|entry| entry.entry).filter(|entry| entry.action == "insights.export");
    let mut told: Vec<_> = entries.map(|entry| (entry.outcome, entry.target)).collect();
    told.reverse();
    let done = || (AuditOutcome::Succeeded, Some("active_players".to_owned()));
    assert_eq!(told, [done(), done(), (AuditOutcome::Denied, None)]);
    api.finish().await;
}

#[tokio::test]
async fn events_are_counted_each_second_and_some_are_shown() {
    let api = Api::start().await;
    let viewer = api.viewer().await;
    api.add_staff("operator@example.test", StaffRole::Operator).await;
    let operator = api.sign_in("operator@example.test").await;
    let mut socket = Socket::signed_in(api.address, &operator).await;
    socket.subscribe("rate", "subscription { eventRate { at events kinds { source kind events } } }").await;
    let tail = "subscription { eventTail(filter: { kinds: [\"shop.bought\"], region: \"eu\" }, first: 5) {
        fitting missedMessages events { kind region source } } }";
    socket.subscribe("tail", tail).await;

    // Both tell of quiet seconds too; then the events are published, and are in one of the seconds that follow.
    for _ in 0..4 {
        let message = socket.next().await;
        assert_eq!(message["type"], "next", "{message}");
    }
    let now = muster_store::now();
    let mut events = Vec::new();
    for n in 0..60 {
        let mut event = event(if n % 3 == 0 { "shop.opened" } else { "shop.bought" }, now);
        event.region = Some(if n % 2 == 0 { "eu" } else { "us" }.to_owned());
        event.properties.insert("card".to_owned(), "4111".into());
        events.push(event);
    }
    assert!(api.store().telemetry.publish_all(&events).await.iter().all(Result::is_ok));
    let (mut counted, mut fitting, mut shown) = (0, 0, 0);
    for _ in 0..30 {
        let message = socket.next().await;
        let data = &message["payload"]["data"];
        counted += data["eventRate"]["events"].as_u64().unwrap_or(0);
        if let Some(tail) = data.get("eventTail") {
            fitting += tail["fitting"].as_u64().unwrap();
            let events = tail["events"].as_array().unwrap();
            assert!(events.iter().all(|event| event["kind"] == "shop.bought" && event["region"] == "eu"), "{tail}");
            shown += events.len();
        }
        if counted == 60 && fitting == 20 {
            break;
        }
    }
    assert_eq!((counted, fitting), (60, 20));
    assert!((5..=20).contains(&shown), "{shown}");

    let mut socket = Socket::signed_in(api.address, &viewer).await;
    socket.subscribe("tail", tail).await;
    let refused = socket.next().await.to_string();
    assert!(refused.contains("forbidden"), "{refused}");
    api.finish().await;
}
