//! What is left of a player's events when the player is forgotten.

use async_nats::jetstream;
use muster_core::id::SubjectId;
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{ForgottenEvents, TelemetryEvent, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::{Value, json};

use crate::given;

#[tokio::test]
async fn what_a_type_calls_personal_goes_and_the_rest_stays_and_stays_counted() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let told = json!({"name": "chat.sent", "version": 1, "owner": "social", "personal": ["text", "to"]});
    let plain = json!({"name": "level.done", "version": 1, "owner": "design"});
    let types = [told, plain].map(|told| EventTypeDefinition::from_json(&told).unwrap());
    scratch.store.event_types.seed(&types, now()).await.unwrap();
    let (erased, other) = (fresh_id(), fresh_id());
    let event = |kind: &str, subject, properties: Value| TelemetryEvent {
        subject_id: Some(subject),
        properties: properties.as_object().unwrap().clone(),
        ..given::event(kind, now())
    };
    let chat = json!({"text": "hello", "to": "Ada", "length": 5});
    let events = [
        event("chat.sent", erased, chat.clone()),
        event("chat.sent", erased, json!({"length": 0})),
        event("level.done", erased, json!({"text": "7"})),
        event("chat.sent", other, chat.clone()),
    ];
    telemetry.write_batch(&events).await.unwrap();
    let sql = scratch.sql().await;
    // As those of a type that says `long` are, once the rest of their day has gone.
    let set_apart = "INSERT INTO telemetry.long_events SELECT * FROM telemetry.events";
    sqlx::query(set_apart).execute(&sql).await.unwrap();

    assert_eq!(telemetry.forget(erased).await.unwrap(), ForgottenEvents { blanked: 2, ..ForgottenEvents::default() });
    assert_eq!(telemetry.forget(erased).await.unwrap(), ForgottenEvents::default());
    let long = sqlx::query_scalar("SELECT properties::text FROM telemetry.long_events ORDER BY 1");
    let mut kept: Vec<String> = long.fetch_all(&sql).await.unwrap();
    kept.sort();
    let mut left: Vec<String> =
        sqlx::query_scalar("SELECT properties::text FROM telemetry.events").fetch_all(&sql).await.unwrap();
    left.sort();
    assert_eq!(kept, left);
    let read: Vec<Value> = left.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(read.len(), 4);
    for expected in [json!({"length": 5}), json!({"length": 0}), json!({"text": "7"}), chat] {
        assert!(read.contains(&expected), "{expected} is not in {read:?}");
    }
    let from = now() - chrono::TimeDelta::days(1);
    assert!(telemetry.recount(from, now() + chrono::TimeDelta::days(1)).await.unwrap().is_exact());
    scratch.finish().await;
}

#[tokio::test]
async fn dead_letters_that_name_a_player_go_whether_they_can_be_read_or_not() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let (erased, other): (SubjectId, SubjectId) = (fresh_id(), fresh_id());
    // PostgreSQL takes no NUL.
    let unstorable = |subject| TelemetryEvent {
        subject_id: Some(subject),
        properties: json!({"text": "a\0b"}).as_object().unwrap().clone(),
        ..given::event("chat.sent", now())
    };
    let mut events = vec![unstorable(other)];
    events.extend((0..70).map(|_| unstorable(erased)));
    telemetry.publish_all(&events).await.into_iter().for_each(Result::unwrap);
    let jetstream = jetstream::new(async_nats::connect(&scratch.settings.nats_url).await.unwrap());
    let subject = format!("{}telemetry.client.raw", scratch.prefix());
    for about in [erased, other] {
        let broken = format!(r#"{{"v":1,"subject_id":"{about}","kind":"#);
        jetstream.publish(subject.clone(), broken.into()).await.unwrap().await.unwrap();
    }
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(events.len() + 2, std::time::Duration::from_secs(10)).await.unwrap();
    telemetry.store(batch).await.unwrap();
    assert_eq!(telemetry.dead_letter_count().await.unwrap(), 73);

    assert_eq!(telemetry.forget(erased).await.unwrap().dead_letters, 71);
    assert_eq!(telemetry.forget(erased).await.unwrap(), ForgottenEvents::default());
    let left = telemetry.dead_letters(10).await.unwrap();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|letter| String::from_utf8_lossy(&letter.payload).contains(&other.to_string())));
    scratch.finish().await;
}
