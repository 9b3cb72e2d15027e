//! `muster-server telemetry replay`, as an operator runs it.

use std::time::Duration;

use muster_core::id::EventId;
use muster_store::{TelemetryEvent, TelemetrySource};
use muster_testkit::{Scratch, run};
use serde_json::{Value, json};

/// Moves what is in the stream to where it belongs, as a writer does.
async fn write(scratch: &Scratch, events: usize) -> muster_store::Stored {
    let telemetry = &scratch.store.telemetry;
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(events, Duration::from_secs(10)).await.unwrap();
    assert_eq!(batch.len(), events);
    let stored = telemetry.store(batch).await.unwrap();
    consumer.release().await.unwrap();
    stored
}

#[tokio::test]
async fn dead_letters_are_replayed_by_filter_with_progress_and_an_entry_in_the_audit_log() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let sql = scratch.sql().await;
    sqlx::query("ALTER TABLE telemetry.events ADD CONSTRAINT not_yet CHECK (kind = 'fine')")
        .execute(&sql)
        .await
        .unwrap();
    let now = muster_store::now();
    let event = |kind: &str| {
        let id: EventId = muster_store::fresh_id();
        TelemetryEvent::new(id, TelemetrySource::Client, kind, now, now)
    };
    let events: Vec<_> = (0..10).map(|n| event(["fine", "shop.open", "level.done"][n % 3])).collect();
    store.telemetry.publish_all(&events).await.into_iter().for_each(Result::unwrap);
    assert_eq!(write(&scratch, 10).await.dead, 6);
    sqlx::query("ALTER TABLE telemetry.events DROP CONSTRAINT not_yet").execute(&sql).await.unwrap();

    let muster_server = async |arguments: &[&str]| {
        let mut environment = scratch.env();
        environment.push(("MUSTER__LOG__FILTER".to_owned(), "error".to_owned()));
        run("muster-server", &[&["telemetry"], arguments].concat(), &environment, "").await
    };
    let listed = muster_server(&["dead-letters", "--kind", "shop.open", "--because", "not_yet"]).await;
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, 3), "{}{}", listed.stdout, listed.stderr);

    let done = muster_server(&["replay", "--kind", "shop.open", "--reason", "the rule is gone", "--json"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(told, json!({ "replayed": 3, "passed_over": 3 }));
    assert!(done.stderr.contains("6 of 6: 3 replayed, 3 passed over"), "it tells how far it is: {}", done.stderr);
    assert_eq!(write(&scratch, 3).await.new, 3);
    assert_eq!(store.telemetry.census("shop.open").await.unwrap().events, 3);
    assert_eq!(store.telemetry.dead_letter_count().await.unwrap(), 3);
    let acts = store.audit.list(None, 10).await.unwrap();
    let act = acts.iter().find(|act| act.entry.action == "telemetry.replay").expect("it is in the audit log");
    assert_eq!(act.entry.reason.as_deref(), Some("the rule is gone"));

    // Nobody replays without saying why; of what has died later there is nothing.
    assert_ne!(muster_server(&["replay"]).await.code, 0);
    let later = muster_store::now() + chrono::TimeDelta::hours(1);
    let later = muster_core::time::format(later);
    let none = muster_server(&["replay", "--from", &later, "--reason", "a try"]).await;
    assert_eq!((none.code, none.stdout.trim()), (0, "0"), "{}", none.stderr);
    let rest = muster_server(&["replay", "--reason", "all of them"]).await;
    assert_eq!((rest.code, rest.stdout.trim()), (0, "3"), "{}", rest.stderr);
    assert_eq!(write(&scratch, 3).await.new, 3);
    assert_eq!(store.telemetry.dead_letter_count().await.unwrap(), 0);
    scratch.finish().await;
}
