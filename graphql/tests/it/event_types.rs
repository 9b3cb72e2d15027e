//! Event types and what was not stored as it came: who may see and change what, and what is kept of it.

use std::time::Duration;

use muster_core::telemetry::shipped_event_types;
use muster_store::{StaffRole, TelemetryEvent, TelemetrySource, now};
use serde_json::{Value, json};

use crate::support::Api;

const CREATE: &str = "mutation($definition: JSON!, $reason: String!) {
    createEventType(input: { definition: $definition, reason: $reason }) { name version enabled author authorName reason } }";

const UPDATE: &str = "mutation($version: Int!, $definition: JSON!) {
    updateEventType(name: \"level.done\", expectedVersion: $version, definition: $definition, reason: \"too loud\") {
        version definition history(first: 1) { edges { node { version reason } } pageInfo { hasNextPage endCursor } } } }";

const RELEASE: &str = "mutation($after: String) {
    releaseQuarantine(kind: \"level.done\", first: 4, after: $after, reason: \"it has a type\") {
        released duplicates refused next remaining } }";

const REPLAY: &str = "mutation($after: String) {
    replayDeadLetters(filter: { kind: \"level.done\" }, first: 2, after: $after, reason: \"mended\") {
        replayed passedOver next remaining } }";

async fn operator(api: &Api) -> String {
    api.add_staff("ops@example.test", StaffRole::Operator).await;
    api.sign_in("ops@example.test").await
}

async fn audited(api: &Api) -> Vec<String> {
    api.store().audit.list(None, 50).await.unwrap().into_iter().map(|entry| entry.entry.action).collect()
}

/// Publishes events and stores them, as a writer would.
async fn store_all(api: &Api, events: &[TelemetryEvent]) {
    let telemetry = &api.store().telemetry;
    telemetry.publish_all(events).await.into_iter().for_each(Result::unwrap);
    store_next(api, events.len()).await;
}

async fn store_next(api: &Api, events: usize) {
    let telemetry = &api.store().telemetry;
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(events, Duration::from_secs(10)).await.unwrap();
    assert_eq!(batch.len(), events);
    telemetry.store(batch).await.unwrap();
    consumer.release().await.unwrap();
}

fn event(kind: &str) -> TelemetryEvent {
    TelemetryEvent::new(muster_store::fresh_id(), TelemetrySource::Client, kind, now(), now())
}

#[tokio::test]
async fn a_type_is_made_changed_and_switched_off_with_reasons_and_audit_entries() {
    let api = Api::start().await;
    let token = operator(&api).await;
    let wanted = json!({ "name": "level.done", "owner": "design", "measures": ["took_ms"] });
    let made = api.data(&token, CREATE, json!({ "definition": wanted, "reason": " we want to know " })).await;
    let made = &made["createEventType"];
    assert_eq!((&made["name"], &made["version"], &made["enabled"]), (&json!("level.done"), &json!(1), &json!(true)));
    assert_eq!((&made["authorName"], &made["reason"]), (&json!("The operator"), &json!("we want to know")));

    let wanted = json!({ "owner": "design", "sample_rate": 0.1 });
    let data = api.data(&token, UPDATE, json!({ "version": 1, "definition": wanted })).await;
    let changed = &data["updateEventType"];
    assert_eq!((&changed["version"], &changed["definition"]["sample_rate"]), (&json!(2), &json!(0.1)));
    assert_eq!(changed["history"]["edges"][0]["node"]["reason"], "too loud");
    assert_eq!(changed["history"]["pageInfo"]["hasNextPage"], true);
    let older = "query($after: String) { eventType(name: \"level.done\") {
        history(after: $after) { edges { node { version } } pageInfo { hasNextPage } } } }";
    let data = api.data(&token, older, json!({ "after": changed["history"]["pageInfo"]["endCursor"] })).await;
    let page = &data["eventType"]["history"];
    assert_eq!(page["edges"], json!([{ "node": { "version": 1 } }]));
    assert_eq!(page["pageInfo"]["hasNextPage"], false);

    let off = "mutation { switchEventType(name: \"level.done\", enabled: false, reason: \"a flood\") {
        version enabled definition } }";
    let data = api.data(&token, off, json!({})).await;
    let off = &data["switchEventType"];
    assert_eq!(
        (&off["version"], &off["enabled"], &off["definition"]["sample_rate"]),
        (&json!(3), &json!(false), &json!(0.1))
    );
    let close = "mutation { switchEventSource(source: CLIENT, closed: true, reason: \"a flood\") { source reason } }";
    let data = api.data(&token, close, json!({})).await;
    assert_eq!(data["switchEventSource"], json!([{ "source": "client", "reason": "a flood" }]));
    let acts = ["event_source.close", "event_type.change", "event_type.change", "event_type.create"];
    assert_eq!(audited(&api).await[..4], acts);

    for (definition, code) in [
        (json!({ "name": "level.done", "owner": "design" }), "event_type_exists"),
        (json!({ "name": "Level Done", "owner": "design" }), "invalid_field"),
        (json!({ "name": "b", "owner": "design", "schema": { "type": "nothing" } }), "invalid_field"),
        (json!({ "name": "b", "owner": "design", "colour": "red" }), "invalid_field"),
    ] {
        let variables = json!({ "definition": definition, "reason": "a test" });
        assert_eq!(api.refusal(Some(&token), CREATE, variables).await, code, "{definition}");
    }
    let stale = json!({ "version": 1, "definition": wanted });
    assert_eq!(api.refusal(Some(&token), UPDATE, stale).await, "version_conflict");
    api.finish().await;
}

#[tokio::test]
async fn everybody_may_look_and_only_who_runs_the_platform_may_act() {
    let api = Api::start().await;
    api.store().event_types.seed(&shipped_event_types(), now()).await.unwrap();
    let token = api.viewer().await;
    let look = "{ eventTypes(first: 3) { edges { cursor node { name owner authorName } } pageInfo { hasNextPage } }
        closedEventSources { source } quarantinedKinds { edges { node { kind } } }
        sessionGaps { sessions withGaps missing } deadLetterCount }";
    let data = api.data(&token, look, json!({})).await;
    assert_eq!(
        data["eventTypes"]["edges"][0]["node"],
        json!({ "name": "bot.match_played", "owner": "muster", "authorName": null })
    );
    let next =
        "query($after: String) { eventTypes(after: $after) { edges { node { name } } pageInfo { hasNextPage } } }";
    let rest = api.data(&token, next, json!({ "after": data["eventTypes"]["edges"][2]["cursor"] })).await;
    assert_eq!(rest["eventTypes"]["edges"].as_array().unwrap().len(), shipped_event_types().len() - 3);
    let definition = json!({ "definition": { "name": "a", "owner": "b" }, "reason": "a test" });
    assert_eq!(api.refusal(Some(&token), CREATE, definition).await, "forbidden");
    assert_eq!(api.refusal(Some(&token), RELEASE, json!({})).await, "forbidden");
    assert_eq!(api.refusal(Some(&token), REPLAY, json!({})).await, "forbidden");
    assert_eq!(api.refusal(Some(&token), "{ deadLetters { edges { cursor } } }", json!({})).await, "forbidden");
    assert_eq!(api.refusal(None, look, json!({})).await, "unauthenticated");
    assert!(audited(&api).await.iter().any(|action| action == "event_type.change"), "who tried is noted");
    api.finish().await;
}

#[tokio::test]
async fn quarantined_events_are_released_step_by_step() {
    let api = Api::start().await;
    let token = operator(&api).await;
    let suspect = || TelemetryEvent { quarantine: Some("its kind was not known".to_owned()), ..event("level.done") };
    let events: Vec<TelemetryEvent> = (0..10).map(|_| suspect()).collect();
    store_all(&api, &events).await;
    let look = "{ quarantinedKinds { edges { node { kind events reason } } } }";
    let data = api.data(&token, look, json!({})).await;
    let kind = json!({ "kind": "level.done", "events": 10, "reason": "its kind was not known" });
    assert_eq!(data["quarantinedKinds"]["edges"], json!([{ "node": kind }]));
    assert_eq!(api.refusal(Some(&token), RELEASE, json!({})).await, "not_found");

    let definition = json!({ "definition": { "name": "level.done", "owner": "design" }, "reason": "a test" });
    api.data(&token, CREATE, definition).await;
    let (mut after, mut remaining) = (Value::Null, Vec::new());
    loop {
        let data = api.data(&token, RELEASE, json!({ "after": after })).await;
        let step = &data["releaseQuarantine"];
        remaining.push(step["remaining"].as_u64().unwrap());
        after = step["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(remaining, [6, 2, 0]);
    assert_eq!(api.store().telemetry.census("level.done").await.unwrap().events, 10);
    assert_eq!(audited(&api).await.iter().filter(|action| *action == "telemetry.release").count(), 3);
    api.finish().await;
}

#[tokio::test]
async fn dead_letters_are_listed_without_their_contents_and_replayed_by_filter() {
    let api = Api::start().await;
    let token = operator(&api).await;
    let mut events: Vec<TelemetryEvent> = (0..5).map(|n| event(["level.done", "shop.open"][n % 2])).collect();
    for event in &mut events {
        event.at = "1970-01-01T00:00:00Z".parse().unwrap();
        event.properties.insert("secret".to_owned(), "hunter2".into());
    }
    store_all(&api, &events).await;
    let look =
        "{ deadLetterCount deadLetters(first: 3) { edges { node { sequence kind reason attempts bytes buriedAt } }
        pageInfo { hasNextPage } } }";
    let data = api.data(&token, look, json!({})).await;
    assert_eq!((&data["deadLetterCount"], &data["deadLetters"]["pageInfo"]["hasNextPage"]), (&json!(5), &json!(true)));
    let letter = &data["deadLetters"]["edges"][0]["node"];
    assert!(letter["reason"].as_str().unwrap().contains("too far apart"), "{letter}");
    assert!(!data.to_string().contains("hunter2"));

    let (mut after, mut steps) = (Value::Null, Vec::new());
    loop {
        let data = api.data(&token, REPLAY, json!({ "after": after })).await;
        let step = &data["replayDeadLetters"];
        steps.push((step["replayed"].as_u64().unwrap(), step["remaining"].as_u64().unwrap()));
        after = step["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(steps.iter().map(|step| step.0).sum::<u64>(), 3);
    assert_eq!(steps.last().unwrap().1, 2);
    assert_eq!(api.store().telemetry.pending().await.unwrap(), 3, "they are on their way again");
    // Nothing was mended: they come back.
    store_next(&api, 3).await;
    assert_eq!(api.data(&token, "{ deadLetterCount }", json!({})).await["deadLetterCount"], 5);
    assert!(audited(&api).await.contains(&"telemetry.replay".to_owned()));
    let wrong = REPLAY.replace("first: 2", "first: 5001");
    assert_eq!(api.refusal(Some(&token), &wrong, json!({})).await, "bad_input");
    api.finish().await;
}
