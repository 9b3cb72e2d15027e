//! Questions of queues, matches, samples and measures, of what writers stored.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::game::Mode;
use muster_core::id::SessionId;
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, EventTypeChange, LiveCounts, StaffRole, Store, TelemetryEvent, TelemetrySource, fresh_id};
use serde_json::{Value, json};

use crate::insights::export;
use crate::support::Api;

const RANGE: &str = r#"from: "2026-02-01", to: "2026-02-02""#;

fn start() -> DateTime<Utc> {
    "2026-02-01T10:00:00Z".parse().unwrap()
}

fn event(source: TelemetrySource, kind: &str, at: DateTime<Utc>, properties: &Value) -> TelemetryEvent {
    TelemetryEvent {
        properties: properties.as_object().unwrap().clone(),
        ..TelemetryEvent::new(fresh_id(), source, kind, at, at)
    }
}

/// As a writer stores them.
async fn write(store: &Store, events: &[TelemetryEvent]) {
    store.telemetry.write_batch(events).await.unwrap();
    store.insights.fold_all().await.unwrap();
}

/// Four tickets in two regions, of which two matched; three matches of two seats, of which the first seat won two.
fn tickets_and_matches() -> Vec<TelemetryEvent> {
    let ticket = |minutes: i64, region: &str, properties: Value| TelemetryEvent {
        queue: Some("classic-ranked".to_owned()),
        region: Some(region.to_owned()),
        ..event(TelemetrySource::Server, "ticket.ended", start() + TimeDelta::minutes(minutes), &properties)
    };
    let matched = |ms: i64| json!({ "outcome": "matched", "wait_ms": ms, "quality": 0.8, "party_size": 1 });
    let mut events = vec![
        ticket(0, "eu", matched(2_000)),
        ticket(1, "eu", matched(4_000)),
        ticket(2, "us", json!({ "outcome": "cancelled", "wait_ms": 9_000, "party_size": 3 })),
        ticket(1_500, "us", json!({ "outcome": "expired" })),
    ];
    for (n, first_won) in [(0, true), (1, true), (2, false)] {
        let match_id = Some(fresh_id());
        for (seat, won) in [("first", first_won), ("second", !first_won)] {
            let properties = json!({ "seat": seat, "outcome": "won", "won": won, "duration_ms": 60_000 + 30_000 * n });
            events.push(TelemetryEvent {
                match_id,
                mode: Some(Mode::Classic),
                queue: Some("classic-ranked".to_owned()),
                region: Some("eu".to_owned()),
                ..event(TelemetrySource::Server, "match.ended", start() + TimeDelta::minutes(n), &properties)
            });
        }
    }
    events
}

/// Three minutes of two hours, as the platform samples itself.
async fn sampled(store: &Store) {
    for (minute, players_online) in [(0, 10), (1, 30), (61, 5)] {
        let counts = LiveCounts {
            at: start() + TimeDelta::minutes(minute),
            players_online,
            tickets_waiting: 4,
            matches_running: 2,
            matches_finished: 0,
            events_stored: 0,
            events_per_minute: 0,
        };
        assert!(store.insights.sample(&counts).await.unwrap());
    }
}

#[tokio::test]
async fn queues_matches_and_samples_are_what_was_stored() {
    let api = Api::start().await;
    let token = api.viewer().await;
    write(api.store(), &tickets_and_matches()).await;
    sampled(api.store()).await;
    for (query, expected) in [
        (
            format!(
                "queueSeries({RANGE}) {{ queue group whole {{ tickets players matched cancelled expired failed
                 abandonmentRate meanWaitMs meanQuality }} points {{ at times {{ tickets }} }} }}"
            ),
            json!([{
                "queue": "classic-ranked", "group": null,
                "whole": { "tickets": 4, "players": 6, "matched": 2, "cancelled": 1, "expired": 1, "failed": 0,
                           "abandonmentRate": 0.25, "meanWaitMs": 3_000.0, "meanQuality": 0.8 },
                "points": [{ "at": "2026-02-01T00:00:00.000Z", "times": { "tickets": 3 } },
                           { "at": "2026-02-02T00:00:00.000Z", "times": { "tickets": 1 } }],
            }]),
        ),
        (
            format!("queueSeries({RANGE}, by: REGION, step: HOUR) {{ group whole {{ tickets }} points {{ at }} }}"),
            json!([{ "group": "eu", "whole": { "tickets": 2 }, "points": [{ "at": "2026-02-01T10:00:00.000Z" }] },
                   { "group": "us", "whole": { "tickets": 2 },
                     "points": [{ "at": "2026-02-01T10:00:00.000Z" }, { "at": "2026-02-02T11:00:00.000Z" }] }]),
        ),
        (format!("queueSeries({RANGE}, queue: \"quickfire-casual\") {{ queue }}"), json!([])),
        (
            format!(
                "matchFacts({RANGE}) {{ mode matches outcomes {{ outcome matches }} meanMs firstWins secondWins
                 firstShare }}"
            ),
            json!([{ "mode": "classic", "matches": 3, "outcomes": [{ "outcome": "won", "matches": 3 }],
                     "meanMs": 90_000.0, "firstWins": 2, "secondWins": 1, "firstShare": 2.0 / 3.0 }]),
        ),
        (
            r#"platformSamples(from: "2026-02-01T10:00:00Z", to: "2026-02-01T12:00:00Z") {
               at playersOnline playersPeak ticketsWaiting matchesRunning }"#
                .to_owned(),
            json!([{ "at": "2026-02-01T10:00:00.000Z", "playersOnline": 20.0, "playersPeak": 30,
                     "ticketsWaiting": 4.0, "matchesRunning": 2.0 },
                   { "at": "2026-02-01T11:00:00.000Z", "playersOnline": 5.0, "playersPeak": 5,
                     "ticketsWaiting": 4.0, "matchesRunning": 2.0 }]),
        ),
    ] {
        let answer = api.data(&token, &format!("{{ answer: {query} }}"), json!({})).await;
        assert_eq!(answer["answer"], expected, "{query}");
    }
    api.finish().await;
}

/// A type whose property `took_ms` is a measure, and 100 events of it, half of them seen by each of two.
async fn measured(store: &Store) {
    let definition = json!({ "name": "level.done", "version": 1, "owner": "design", "measures": ["took_ms"] });
    let change = EventTypeChange {
        definition: EventTypeDefinition::from_json(&definition).unwrap(),
        expected_version: None,
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    };
    store.event_types.put(&change, muster_store::now()).await.unwrap();
    let source = |n: i64| if n % 2 == 0 { TelemetrySource::Client } else { TelemetrySource::Trusted };
    let events: Vec<_> = (1..=100)
        .map(|n| event(source(n), "level.done", start() + TimeDelta::minutes(n), &json!({ "took_ms": n * 10 })))
        .collect();
    write(store, &events).await;
}

fn near(told: &Value, exact: f64) {
    let told = told.as_f64().unwrap();
    assert!((told / exact - 1.0).abs() <= 0.01, "{told} is not {exact}");
}

#[tokio::test]
async fn measures_are_what_was_stored() {
    let api = Api::start().await;
    let token = api.viewer().await;
    measured(api.store()).await;
    let ask = async |arguments: &str, fields: &str| {
        let query = format!(r#"{{ measureSeries(kind: "level.done", measure: "took_ms", {arguments}) {fields} }}"#);
        api.data(&token, &query, json!({})).await["measureSeries"].take()
    };
    let facts = "{ samples sum mean min max p50 p95 p99 }";
    let told = ask(RANGE, &format!("{{ group whole {facts} points {{ at facts {{ samples }} }} }}")).await;
    assert_eq!(told[0]["points"], json!([{ "at": "2026-02-01T00:00:00.000Z", "facts": { "samples": 100 } }]));
    let whole = &told[0]["whole"];
    let exact: Vec<&Value> = ["samples", "sum", "mean", "min", "max"].iter().map(|name| &whole[*name]).collect();
    assert_eq!(json!(exact), json!([100, 50_500.0, 505.0, 10.0, 1_000.0]));
    for (name, exact) in [("p50", 500.0), ("p95", 950.0), ("p99", 990.0)] {
        near(&whole[name], exact);
    }
    let told = ask(&format!("{RANGE}, step: HOUR, source: CLIENT"), "{ points { at facts { samples sum } } }").await;
    let points = json!([
        { "at": "2026-02-01T10:00:00.000Z", "facts": { "samples": 29, "sum": 8_700.0 } },
        { "at": "2026-02-01T11:00:00.000Z", "facts": { "samples": 21, "sum": 16_800.0 } },
    ]);
    assert_eq!(told[0]["points"], points);
    let told = ask(&format!("{RANGE}, by: SOURCE"), "{ group whole { sum } }").await;
    assert_eq!(
        told,
        json!([{ "group": "client", "whole": { "sum": 25_500.0 } }, { "group": "trusted", "whole": { "sum": 25_000.0 } }])
    );
    let told = ask(r#"from: "2026-03-01", to: "2026-03-02""#, &format!("{{ whole {facts} points {{ at }} }}")).await;
    let nothing = json!({ "samples": 0, "sum": 0.0, "mean": null, "min": null, "max": null, "p50": null,
        "p95": null, "p99": null });
    assert_eq!(told, json!([{ "whole": nothing, "points": [] }]));

    for wrong in [
        format!("{RANGE}, step: MINUTE"),
        r#"from: "2026-01-01", to: "2026-02-01", step: HOUR"#.to_owned(),
        r#"from: "2026-01-01", to: "2026-12-31""#.to_owned(),
        r#"season: "never""#.to_owned(),
        "step: DAY".to_owned(),
    ] {
        let query = format!(r#"{{ measureSeries(kind: "a", measure: "b", {wrong}) {{ group }} }}"#);
        assert_eq!(api.refusal(Some(&token), &query, json!({})).await, "bad_input", "{wrong}");
    }
    let signed_out = format!(r#"{{ measureSeries(kind: "a", measure: "b", {RANGE}) {{ group }} }}"#);
    assert_eq!(api.refusal(None, &signed_out, json!({})).await, "unauthenticated");
    api.finish().await;
}

#[tokio::test]
async fn measures_leave_as_a_file() {
    let api = Api::start().await;
    measured(api.store()).await;
    api.add_staff("operator@example.test", StaffRole::Operator).await;
    let operator = api.sign_in("operator@example.test").await;
    let asked = |more: Value| {
        let mut asked = json!({ "question": "measures", "format": "csv", "from": "2026-02-01", "to": "2026-02-02",
            "kind": "level.done", "measure": "took_ms", "step": "hour" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let file = export(&api, Some(&operator), &asked(json!({ "by": "source" }))).await;
    assert_eq!(file.status(), 200);
    let name = file.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(name, "attachment; filename=\"measures_2026-02-01_2026-02-02.csv\"");
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "group,at,samples,sum,mean,min,max,p50,p95,p99");
    assert!(lines[1].starts_with("client,2026-02-01T10:00:00") && lines[1].contains(",29,8700,300,20,580,"), "{text}");
    for wrong in [json!({ "by": "region" }), json!({ "region": "eu" }), json!({ "step": "minute" })] {
        assert_eq!(export(&api, Some(&operator), &asked(wrong.clone())).await.status(), 400, "{wrong}");
    }
    let elsewhere = json!({ "question": "event_kinds", "format": "csv", "from": "2026-02-01", "to": "2026-02-02",
        "first": 5, "by": "source" });
    assert_eq!(export(&api, Some(&operator), &elsewhere).await.status(), 400);
    api.finish().await;
}

#[tokio::test]
async fn samples_and_who_plays_leave_as_files() {
    let api = Api::start().await;
    sampled(api.store()).await;
    let session = SessionId::new(muster_store::now(), [1; 10]);
    let mut playing = event(TelemetrySource::Client, "game.rolled", muster_store::now(), &json!({}));
    (playing.subject_id, playing.session_id, playing.region) = (Some(fresh_id()), Some(session), Some("eu".to_owned()));
    write(api.store(), &[playing]).await;
    api.add_staff("operator@example.test", StaffRole::Operator).await;
    let operator = api.sign_in("operator@example.test").await;
    let samples = json!({ "question": "platform_samples", "format": "csv", "from": "2026-02-01", "to": "2026-02-01",
        "step_minutes": 60 });
    let text = export(&api, Some(&operator), &samples).await.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "at,players_online,players_peak,tickets_waiting,matches_running");
    assert!(lines[1].starts_with("2026-02-01T10:00:00") && lines[1].ends_with(",20,30,4,2"), "{text}");
    assert_eq!(lines.len(), 3, "{text}");
    let now = json!({ "question": "players_playing", "format": "csv", "by": "region" });
    let file = export(&api, Some(&operator), &now).await;
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"players_playing.csv\"");
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[0] == "at,group,players" && lines[1].ends_with(",eu,1"), "{text}");
    for (asked, more) in [
        (&samples, json!({ "region": "eu" })),
        (&samples, json!({ "by": "season" })),
        (&samples, json!({ "step_minutes": 0 })),
        (&now, json!({ "by": "season" })),
        (&now, json!({ "from": "2026-02-01" })),
    ] {
        let mut asked = asked.clone();
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(export(&api, Some(&operator), &asked).await.status(), 400, "{more}");
    }
    api.finish().await;
}
