use std::collections::HashSet;
use std::time::Duration;

use muster_store::{PublishError, Stored, TelemetryBatch, TelemetryConsumer, TelemetryEvent, now};
use muster_testkit::{Scratch, eventually};

use crate::given;

const WAIT: Duration = Duration::from_secs(2);

async fn published(scratch: &Scratch, count: usize) -> Vec<TelemetryEvent> {
    let events: Vec<_> = (0..count).map(|n| given::event(&format!("kind.{}", n % 3), now())).collect();
    for verdict in scratch.store.telemetry.publish_all(&events).await {
        verdict.unwrap();
    }
    events
}

async fn batch(consumer: &TelemetryConsumer, size: usize) -> TelemetryBatch {
    let batch = consumer.next_batch(size, WAIT).await.unwrap();
    assert_eq!(batch.events.len() + batch.dead, size);
    batch
}

async fn raw(scratch: &Scratch, payload: &str) {
    let nats = async_nats::connect(&scratch.settings.nats_url).await.unwrap();
    let subject = format!("{}telemetry.client.raw", scratch.prefix());
    let payload = payload.to_owned().into();
    async_nats::jetstream::new(nats).publish(subject, payload).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn what_is_published_is_stored_once_and_leaves_the_stream() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let events = published(&scratch, 300).await;
    // JetStream knows them already.
    telemetry.publish(&events[0]).await.unwrap();
    assert_eq!(telemetry.pending().await.unwrap(), 300);

    let consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&consumer, 300).await;
    // Many on their way at once may overtake each other.
    let ids = |events: &[TelemetryEvent]| events.iter().map(|event| event.event_id).collect::<HashSet<_>>();
    assert!(ids(&batch.events) == ids(&events));
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 300, duplicates: 0, dead: 0 });
    eventually(WAIT, "the stream to be empty", async || (telemetry.pending().await.unwrap() == 0).then_some(())).await;
    assert!(consumer.next_batch(10, Duration::from_millis(50)).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn what_a_dead_writer_had_written_comes_again_and_changes_nothing() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    published(&scratch, 50).await;
    let consumer = telemetry.consumer().await.unwrap();
    let first = batch(&consumer, 50).await;
    telemetry.write_batch(&first.events).await.unwrap();
    // It died between the commit and the word of it; another writer gets the same events.
    first.retry_later(Duration::from_millis(10)).await.unwrap();
    let other = scratch.reconnect().await;
    let consumer = other.telemetry.consumer().await.unwrap();
    let again = batch(&consumer, 50).await;
    assert_eq!(other.telemetry.store(again).await.unwrap(), Stored { new: 0, duplicates: 50, dead: 0 });
    let minutes: i64 = sqlx::query_scalar("SELECT sum(events)::bigint FROM telemetry.event_minutes")
        .fetch_one(&scratch.sql().await)
        .await
        .unwrap();
    assert_eq!(minutes, 50);
    scratch.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_stored_goes_to_the_dead_letters_and_stops_nobody() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    published(&scratch, 3).await;
    raw(&scratch, "not json").await;
    raw(&scratch, r#"{"v":99}"#).await;
    let mut nul = given::event("nul", now());
    nul.properties.insert("text".to_owned(), "a\0b".into());
    telemetry.publish(&nul).await.unwrap();
    let mut ancient = given::event("ancient", given::time("1970-01-01T00:00:00Z"));
    ancient.received_at = now();
    telemetry.publish(&ancient).await.unwrap();

    let consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&consumer, 7).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 3, duplicates: 0, dead: 4 });
    let dead = telemetry.dead_letters(10).await.unwrap();
    assert_eq!(dead.len(), 4);
    assert_eq!(&dead[0].payload[..], b"not json");
    assert!(dead[1].reason.contains("schema version 99"), "{}", dead[1].reason);
    assert!(dead[2].reason.contains("U+0000") && dead[2].subject.ends_with("telemetry.client.nul"), "{:?}", dead[2]);
    assert!(dead[3].reason.contains("too far apart"), "{}", dead[3].reason);
    eventually(WAIT, "the stream to be empty", async || (telemetry.pending().await.unwrap() == 0).then_some(())).await;
    scratch.finish().await;
}

#[tokio::test]
async fn one_event_that_the_database_refuses_does_not_take_its_batch_along() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    // A rule that only the database knows.
    sqlx::query("ALTER TABLE telemetry.events ADD CHECK (kind <> 'kind.1')")
        .execute(&scratch.sql().await)
        .await
        .unwrap();
    published(&scratch, 9).await;
    let consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&consumer, 9).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 6, duplicates: 0, dead: 3 });
    assert_eq!(telemetry.dead_letters(10).await.unwrap().len(), 3);
    scratch.finish().await;
}

#[tokio::test]
async fn a_full_stream_says_so_and_loses_nothing() {
    let scratch = Scratch::new().await;
    let nats = async_nats::connect(&scratch.settings.nats_url).await.unwrap();
    let jetstream = async_nats::jetstream::new(nats);
    let name = format!("{}TELEMETRY", scratch.prefix().to_uppercase());
    let mut config = jetstream.get_stream(&name).await.unwrap().cached_info().config.clone();
    config.max_messages = 3;
    jetstream.update_stream(config).await.unwrap();

    published(&scratch, 3).await;
    let refused = scratch.store.telemetry.publish(&given::event("a", now())).await;
    assert!(matches!(refused, Err(PublishError::Backpressure)), "{refused:?}");
    assert_eq!(scratch.store.telemetry.pending().await.unwrap(), 3);
    scratch.finish().await;
}
