//! Events from clients and trusted servers: every form they come in, and every verdict.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster_core::id::EventId;
use muster_store::{Actor, SourceSwitch, TelemetrySource};
use muster_testkit::{Platform, eventually, run};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::raw::{Http, problem};
use crate::telemetry::define;

const PATIENCE: Duration = Duration::from_secs(20);

fn event(kind: &str, more: &Value) -> Value {
    let id: EventId = muster_store::fresh_id();
    let mut event = json!({ "event_id": id, "kind": kind, "at": muster_store::now() });
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event
}

async fn verdicts(request: RequestBuilder) -> Vec<String> {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    let answer: Value = answer.json().await.unwrap();
    let told = answer["results"].as_array().unwrap().iter();
    told.map(|result| result["verdict"].as_str().unwrap().to_owned()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn events_come_as_arrays_and_lines_packed_or_not_and_are_stored_with_all_they_say() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (player, token) = http.sign_in("Ada").await;
    let store = &platform.scratch.store;
    let session: muster_core::id::SessionId = muster_store::fresh_id();
    let start = |sequence: u64| {
        let more = json!({ "session_id": session, "sequence": sequence, "region": "eu-west", "platform": "linux",
            "build": "1.2.3+4", "player_id": player, "properties": { "pretty": ["a\nb", 1.5] } });
        event("session.started", &more)
    };
    let post = |content_type: &str, encoding: Option<&str>, body: Vec<u8>| {
        let url = format!("{}/v1/events", http.base);
        let request =
            reqwest::Client::new().post(url).bearer_auth(&token).header("content-type", content_type).body(body);
        encoding.into_iter().fold(request, |request, encoding| request.header("content-encoding", encoding))
    };
    let (json_type, lines_type) = ("application/json; charset=utf-8", "application/x-ndjson");
    let array = serde_json::to_string_pretty(&[start(1), start(2)]).unwrap();
    assert_eq!(verdicts(post(json_type, None, array.clone().into())).await, ["accepted"; 2]);
    let object = json!({ "events": [start(3)] }).to_string();
    assert_eq!(verdicts(post(json_type, Some("gzip"), gzip(&object))).await, ["accepted"]);
    let lines = format!("{}\n\n{}\r\nnonsense\n", start(4), start(6));
    let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let sent_at = muster_core::time::format(muster_store::now() - chrono::TimeDelta::minutes(3));
    let request = post(lines_type, Some("zstd"), packed).header("muster-sent-at", sent_at);
    assert_eq!(verdicts(request).await, ["accepted", "accepted", "invalid"]);
    // The same request again, as somebody sends it who has heard nothing.
    assert_eq!(verdicts(post(json_type, None, array.into())).await, ["duplicate"; 2]);

    let sql = platform.scratch.sql().await;
    eventually(PATIENCE, "five events", async || {
        (store.telemetry.census("session.started").await.unwrap().events == 5).then_some(())
    })
    .await;
    let rows: Vec<Value> = sqlx::query_scalar(
        "SELECT to_jsonb(e) FROM telemetry.events e WHERE kind = 'session.started' ORDER BY sequence",
    )
    .fetch_all(&sql)
    .await
    .unwrap();
    let account = store.accounts.get(player.parse().unwrap()).await.unwrap().unwrap();
    for row in &rows {
        assert_eq!((&row["source"], &row["build"]), (&json!("client"), &json!("1.2.3+4")));
        assert_eq!(row["subject_id"], account.subject_id.uuid().to_string());
        assert_eq!(row["properties"], json!({ "pretty": ["a\nb", 1.5] }));
    }
    assert_eq!(rows[0]["skew_ms"], Value::Null);
    let skew = rows[4]["skew_ms"].as_i64().unwrap();
    assert!((180_000..200_000).contains(&skew), "{skew}");
    let now = muster_store::now();
    let gaps =
        store.telemetry.gaps(now - chrono::TimeDelta::hours(1), now + chrono::TimeDelta::hours(1)).await.unwrap();
    assert_eq!((gaps.sessions, gaps.missing), (1, 1));
    platform.finish().await;
}

#[tokio::test]
async fn what_is_no_body_of_events_is_refused_and_harms_nobody() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let url = format!("{}/v1/events", http.base);
    let client = reqwest::Client::new();
    let post = |body: Vec<u8>| client.post(&url).bearer_auth(&token).body(body);
    let json_type = |request: RequestBuilder| request.header("content-type", "application/json");
    problem(post(b"[]".to_vec()).send().await.unwrap(), 415, "unsupported_media").await;
    problem(post(b"[]".to_vec()).header("content-type", "text/csv").send().await.unwrap(), 415, "unsupported_media")
        .await;
    let brotli = json_type(post(b"[]".to_vec())).header("content-encoding", "br");
    problem(brotli.send().await.unwrap(), 415, "unsupported_media").await;
    for bad in ["", "[{]", "{\"events\": [}", "[1] [2]"] {
        problem(json_type(post(bad.into())).send().await.unwrap(), 400, "malformed_request").await;
    }
    problem(json_type(post(vec![b'[', 0xff, b']'])).send().await.unwrap(), 400, "malformed_request").await;
    let noise = json_type(post(b"no gzip".to_vec())).header("content-encoding", "gzip");
    problem(noise.send().await.unwrap(), 400, "malformed_request").await;
    for bad in ["[]", "7", "{}", "{\"events\": []}"] {
        problem(json_type(post(bad.into())).send().await.unwrap(), 422, "invalid_field").await;
    }
    let late = json_type(post(b"[1]".to_vec())).header("muster-sent-at", "yesterday");
    problem(late.send().await.unwrap(), 422, "invalid_field").await;
    // A thousand times as large as it looks.
    let bomb = json_type(post(gzip(&" ".repeat(8 << 20)))).header("content-encoding", "gzip");
    problem(bomb.send().await.unwrap(), 413, "body_too_large").await;
    problem(json_type(client.post(&url).body("[]")).send().await.unwrap(), 401, "token_missing").await;
    assert_eq!(verdicts(json_type(post(b"[1, null, {}]".to_vec()))).await, ["invalid"; 3]);
    platform.finish().await;
}

#[tokio::test]
async fn each_event_is_judged_by_its_type_as_it_is_now() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let store = &platform.scratch.store;
    let post = |events: &[Value]| http.post("/v1/events").bearer_auth(&token).body(json!(events).to_string());
    let level = |properties: Value| event("level.done", &json!({ "properties": properties }));

    let early = [level(json!({ "n": 1 })), level(json!({ "n": "two" }))];
    assert_eq!(verdicts(post(&early)).await, ["quarantined"; 2]);
    // The platform's own word is not for clients.
    assert_eq!(verdicts(post(&[event("match.ended", &json!({}))])).await, ["invalid"]);

    let schema = json!({ "schema": { "properties": { "n": { "type": "integer" } } } });
    define(store, "level.done", schema.clone()).await;
    let judged = |wanted: &'static str| {
        let post = &post;
        async move {
            let began = std::time::Instant::now();
            eventually(PATIENCE, wanted, async || {
                let told = verdicts(post(&[level(json!({ "n": 3 }))])).await;
                (told == [wanted]).then_some(())
            })
            .await;
            began.elapsed()
        }
    };
    assert!(judged("accepted").await < Duration::from_secs(1), "a change is everywhere in under a second");
    let answer = post(&[level(json!({ "n": "three" })), level(json!({ "n": 4 }))]).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (&answer["results"][0]["verdict"], &answer["results"][0]["path"]),
        (&json!("invalid"), &json!("properties.n"))
    );
    assert!(!answer["results"][0]["reason"].as_str().unwrap().contains("three"), "{answer}");
    assert_eq!(answer["results"][1]["verdict"], "accepted");
    let twice = level(json!({ "n": 5 }));
    assert_eq!(verdicts(post(&[twice.clone(), twice])).await, ["accepted", "duplicate"]);

    define(store, "level.done", json!({ "sample_rate": 0.0 })).await;
    judged("sampled_out").await;
    define(store, "level.done", json!({ "enabled": false })).await;
    judged("switched_off").await;
    define(store, "level.done", schema).await;
    judged("accepted").await;
    let switch = |closed| SourceSwitch {
        source: TelemetrySource::Client,
        closed,
        author: Actor::System("test".to_owned()),
        reason: "a flood".to_owned(),
    };
    store.event_types.switch(&switch(true), muster_store::now()).await.unwrap();
    judged("switched_off").await;
    store.event_types.switch(&switch(false), muster_store::now()).await.unwrap();
    judged("accepted").await;

    // What was early is released at the command line, as far as it is what the type says.
    eventually(PATIENCE, "the quarantine", async || {
        (store.telemetry.quarantined_of("level.done").await.unwrap() >= 2).then_some(())
    })
    .await;
    let command = ["telemetry", "release", "level.done", "--reason", "it has a type"];
    let released = run("muster-server", &command, &platform.scratch.env(), "").await;
    assert_eq!(released.code, 0, "{}", released.stderr);
    assert_eq!(store.telemetry.quarantined_of("level.done").await.unwrap(), 1);
    let acts = store.audit.list(None, 10).await.unwrap();
    assert!(acts.iter().any(|act| act.entry.action == "telemetry.release"));
    platform.finish().await;
}

#[tokio::test]
async fn trusted_servers_tell_of_anybody_and_players_of_themselves() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    let (bob, _) = http.sign_in("Bob").await;
    let store = &platform.scratch.store;
    let (_, key) =
        store.service_keys.create("game-backend", muster_store::KeyPurpose::Game, muster_store::now()).await.unwrap();
    let about = |player: &str| event("session.started", &json!({ "player_id": player }));
    let nobody: muster_core::id::PlayerId = muster_store::fresh_id();
    let events = [about(&ada), about(&bob), about(&nobody.to_string()), event("session.started", &json!({}))];
    let body = json!(events).to_string();
    let as_server = http.post("/v1/events").bearer_auth(&key).body(body.clone());
    assert_eq!(verdicts(as_server).await, ["accepted", "accepted", "invalid", "accepted"]);
    let events = [about(&ada), about(&bob)];
    let as_player = http.post("/v1/events").bearer_auth(&token).body(json!(events).to_string());
    assert_eq!(verdicts(as_player).await, ["accepted", "invalid"]);
    let wrong = http.post("/v1/events").bearer_auth("msk_0000").body(body);
    problem(wrong.send().await.unwrap(), 401, "key_invalid").await;

    let sql = platform.scratch.sql().await;
    let counts = "SELECT source, count(*), count(DISTINCT subject_id) FROM telemetry.events
        WHERE kind = 'session.started' GROUP BY 1 ORDER BY 1";
    let found: Vec<(String, i64, i64)> = eventually(PATIENCE, "four events", async || {
        let found: Vec<(String, i64, i64)> = sqlx::query_as(counts).fetch_all(&sql).await.unwrap();
        (found.iter().map(|row| row.1).sum::<i64>() == 4).then_some(found)
    })
    .await;
    assert_eq!(found, [("client".to_owned(), 1, 1), ("trusted".to_owned(), 3, 2)]);
    platform.finish().await;
}
