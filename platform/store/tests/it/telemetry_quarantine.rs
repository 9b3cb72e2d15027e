use std::time::Duration;

use chrono::TimeDelta;
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Stored, TelemetryEvent, now};
use muster_testkit::Scratch;
use serde_json::json;

use crate::given;

fn suspects(count: u32) -> Vec<TelemetryEvent> {
    let start = now() - TimeDelta::hours(1);
    (0..count)
        .map(|n| TelemetryEvent {
            quarantine: Some("its kind was not known".to_owned()),
            properties: json!({ "n": n }).as_object().unwrap().clone(),
            ..given::event("level.done", start + TimeDelta::seconds(i64::from(n / 3)))
        })
        .collect()
}

async fn store_all(scratch: &Scratch, events: &[TelemetryEvent]) -> Stored {
    let telemetry = &scratch.store.telemetry;
    telemetry.publish_all(events).await.into_iter().for_each(Result::unwrap);
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(events.len(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(batch.len(), events.len());
    telemetry.store(batch).await.unwrap()
}

fn level_done(schema: serde_json::Value) -> EventTypeDefinition {
    EventTypeDefinition::from_json(&json!({"name": "level.done", "version": 1, "owner": "design", "schema": schema}))
        .unwrap()
}

#[tokio::test]
async fn what_nobody_has_defined_is_kept_apart_counted_and_released_without_loss() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let events = suspects(100);
    let stored = store_all(&scratch, &events).await;
    assert_eq!(stored, Stored { quarantined: 100, ..Stored::default() });
    let [kind] = &telemetry.quarantined(None, 10).await.unwrap()[..] else { panic!("one kind") };
    assert_eq!((&*kind.kind, kind.events, &*kind.reason), ("level.done", 100, "its kind was not known"));
    assert_eq!((kind.oldest_at, kind.newest_at), (events[0].at, events[99].at));
    assert!(telemetry.quarantined(Some("level.done"), 10).await.unwrap().is_empty());

    // Ten of them are not what the type says, and one has come as an event meanwhile.
    let definition = level_done(json!({"properties": {"n": {"maximum": 89}}}));
    let known = TelemetryEvent { quarantine: None, ..events[0].clone() };
    telemetry.write_batch(&[known]).await.unwrap();
    let (mut place, mut released, mut duplicates, mut refused, mut steps) = (None, 0, 0, 0, 0);
    loop {
        let step = telemetry.release(&definition, place, 30).await.unwrap();
        released += step.released;
        duplicates += step.duplicates;
        refused += step.refused;
        steps += 1;
        place = step.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!((released, duplicates, refused, steps), (90, 1, 10, 4));
    assert_eq!(telemetry.quarantined_of("level.done").await.unwrap(), 10);
    assert!(telemetry.quarantined(None, 1).await.unwrap()[0].reason.starts_with("properties.n: "));
    let recount = telemetry.recount(now() - TimeDelta::days(2), now() + TimeDelta::days(1)).await.unwrap();
    assert!(recount.is_exact() && recount.events == 90, "{recount:?}");

    // The type is mended: the rest follows, and nothing comes twice.
    let step = telemetry.release(&level_done(json!(true)), None, 30).await.unwrap();
    assert_eq!((step.released, step.refused, step.next), (10, 0, None));
    assert_eq!(telemetry.census("level.done").await.unwrap().events, 100);
    assert!(telemetry.quarantined(None, 10).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn a_redelivery_changes_nothing_in_quarantine_and_its_neighbours_are_stored() {
    let scratch = Scratch::new().await;
    let mut events = suspects(6);
    for event in &mut events[3..] {
        event.quarantine = None;
    }
    let telemetry = &scratch.store.telemetry;
    telemetry.publish_all(&events).await.into_iter().for_each(Result::unwrap);
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(6, Duration::from_secs(5)).await.unwrap();
    let first = telemetry.write(&batch).await.unwrap();
    assert_eq!(first, Stored { new: 3, quarantined: 3, ..Stored::default() });
    let again = telemetry.store(batch).await.unwrap();
    assert_eq!(again, Stored { duplicates: 6, ..Stored::default() });
    scratch.finish().await;
}

#[tokio::test]
async fn however_much_there_is_of_a_kind_looking_at_the_kinds_costs_little() {
    let scratch = Scratch::new().await;
    // What a client makes up: much of one kind, and many kinds.
    let flood = "INSERT INTO telemetry.quarantine (event_id, at, received_at, source, kind, reason, event)
        SELECT gen_random_uuid(), now() - n * INTERVAL '1 minute', now(), 'client',
               CASE WHEN n <= 10050 THEN 'flood' ELSE 'kind.' || n END, 'reason ' || n, '{}'
        FROM generate_series(1, 10060) AS n";
    sqlx::query(flood).execute(&scratch.sql().await).await.unwrap();
    let telemetry = &scratch.store.telemetry;
    let first = telemetry.quarantined(None, 4).await.unwrap();
    assert_eq!(first.iter().map(|kind| kind.events).collect::<Vec<_>>(), [10_000, 1, 1, 1]);
    assert_eq!((first[0].kind.as_str(), first[0].reason.as_str()), ("flood", "reason 1"));
    assert!(first[0].newest_at - first[0].oldest_at == TimeDelta::minutes(10_049));
    let rest = telemetry.quarantined(Some(&first[3].kind), 100).await.unwrap();
    assert_eq!(rest.len(), 7);
    assert!(rest.iter().all(|kind| kind.kind > first[3].kind));
    scratch.finish().await;
}
