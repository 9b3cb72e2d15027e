use std::time::Duration;

use async_nats::jetstream::{self, stream};
use muster_store::{PublishError, Stored, TelemetryBatch, TelemetryConsumer, TelemetryEvent, TelemetrySource, now};
use muster_testkit::{Scratch, eventually};
use serde_json::json;

use crate::given;

const WAIT: Duration = Duration::from_secs(2);

async fn published(scratch: &Scratch, count: usize) -> Vec<TelemetryEvent> {
    let events: Vec<_> = (0..count).map(|n| given::event(&format!("kind.{}", n % 3), now())).collect();
    publish(scratch, &events).await;
    events
}

async fn publish(scratch: &Scratch, events: &[TelemetryEvent]) {
    let verdicts = scratch.store.telemetry.publish_all(events).await;
    assert_eq!(verdicts.len(), events.len());
    verdicts.into_iter().for_each(Result::unwrap);
}

async fn batch(consumer: &mut TelemetryConsumer, size: usize) -> TelemetryBatch {
    let batch = consumer.next_batch(size, WAIT).await.unwrap();
    assert_eq!(batch.len(), size);
    batch
}

async fn jetstream(scratch: &Scratch) -> jetstream::Context {
    jetstream::new(async_nats::connect(&scratch.settings.nats_url).await.unwrap())
}

async fn stream(scratch: &Scratch) -> stream::Stream {
    stream_named(scratch, "TELEMETRY").await
}

async fn stream_named(scratch: &Scratch, name: &str) -> stream::Stream {
    jetstream(scratch).await.get_stream(format!("{}{name}", scratch.prefix().to_uppercase())).await.unwrap()
}

async fn raw(scratch: &Scratch, subject: &str, payload: impl Into<bytes::Bytes>) {
    let subject = format!("{}telemetry.{subject}", scratch.prefix());
    jetstream(scratch).await.publish(subject, payload.into()).await.unwrap().await.unwrap();
}

/// The stream is empty: everything was acknowledged.
async fn emptied(scratch: &Scratch) {
    let pending = async || scratch.store.telemetry.pending().await.unwrap();
    eventually(WAIT, "the stream to be empty", async || (pending().await == 0).then_some(())).await;
}

async fn stored(scratch: &Scratch) -> (i64, i64) {
    let counts = "SELECT (SELECT count(*) FROM telemetry.events),
        (SELECT coalesce(sum(events), 0)::bigint FROM telemetry.event_minutes)";
    sqlx::query_as(counts).fetch_one(&scratch.sql().await).await.unwrap()
}

#[tokio::test]
async fn what_is_published_is_stored_once_and_leaves_the_stream() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let events = published(&scratch, 1_300).await;
    // JetStream knows them already.
    publish(&scratch, &events).await;
    assert_eq!(telemetry.pending().await.unwrap(), 1_300);
    assert_eq!(stream(&scratch).await.cached_info().state.messages, 3);

    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&mut consumer, 1_300).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 1_300, ..Stored::default() });
    emptied(&scratch).await;
    assert!(consumer.next_batch(10, Duration::from_millis(50)).await.unwrap().is_empty());
    assert_eq!(stored(&scratch).await, (1_300, 1_300));
    scratch.finish().await;
}

#[tokio::test]
async fn a_batch_is_counted_in_events_and_no_message_is_split() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    for count in [40, 40, 40, 90, 1, 1] {
        published(&scratch, count).await;
    }
    let mut consumer = telemetry.consumer().await.unwrap();
    // What came along and has no room waits in the consumer; the stream has given it out already.
    for size in [80, 40, 90, 2] {
        let batch = consumer.next_batch(80, Duration::from_millis(200)).await.unwrap();
        assert_eq!(batch.len(), size);
        assert_eq!(telemetry.store(batch).await.unwrap().new, size as u64);
    }
    emptied(&scratch).await;
    scratch.finish().await;
}

#[tokio::test]
async fn a_writer_that_drains_gives_back_what_it_holds() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    for _ in 0..4 {
        published(&scratch, 3).await;
    }
    let mut consumer = telemetry.consumer().await.unwrap();
    // It learns that messages are small, and fetches more of them than it needs.
    let batch = consumer.next_batch(12, Duration::from_millis(200)).await.unwrap();
    batch.retry_later(Duration::from_millis(1)).await.unwrap();
    let batch = consumer.next_batch(4, WAIT).await.unwrap();
    assert_eq!(batch.len(), 3);
    telemetry.store(batch).await.unwrap();
    consumer.release().await.unwrap();

    let other = scratch.reconnect().await;
    let mut consumer = other.telemetry.consumer().await.unwrap();
    let batch = self::batch(&mut consumer, 9).await;
    assert_eq!(other.telemetry.store(batch).await.unwrap().new, 9);
    scratch.finish().await;
}

#[tokio::test]
async fn what_a_dead_writer_had_written_comes_again_and_changes_nothing() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    published(&scratch, 50).await;
    let mut consumer = telemetry.consumer().await.unwrap();
    let first = batch(&mut consumer, 50).await;
    assert_eq!(telemetry.write(&first).await.unwrap(), Stored { new: 50, ..Stored::default() });
    // It died between the commit and the word of it; another writer gets the same events, and some that are new.
    first.retry_later(Duration::from_millis(10)).await.unwrap();
    published(&scratch, 5).await;
    let other = scratch.reconnect().await;
    let mut consumer = other.telemetry.consumer().await.unwrap();
    let again = batch(&mut consumer, 55).await;
    assert_eq!(other.telemetry.store(again).await.unwrap(), Stored { new: 5, duplicates: 50, ..Stored::default() });
    assert_eq!(stored(&scratch).await, (55, 55));
    emptied(&scratch).await;
    scratch.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_stored_goes_to_the_dead_letters_and_stops_nobody() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    raw(&scratch, "client.raw", "not json").await;
    raw(&scratch, "client.raw", r#"{"v":99}"#).await;
    let mut events: Vec<_> = (0..5).map(|_| given::event("fine", now())).collect();
    events[1].properties.insert("text".to_owned(), "a\0b".into());
    events[3].at = given::time("1970-01-01T00:00:00Z");
    publish(&scratch, &events).await;

    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&mut consumer, 7).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 3, dead: 4, ..Stored::default() });
    let dead = telemetry.dead_letters(10).await.unwrap();
    assert_eq!(dead.len(), 4);
    assert_eq!(&dead[0].payload[..], b"not json");
    assert!(dead[1].reason.contains("schema version 99"), "{}", dead[1].reason);
    assert!(
        dead[2].reason.contains("U+0000") && dead[2].subject.ends_with("telemetry.client.batch.5"),
        "{:?}",
        dead[2]
    );
    assert!(dead[3].reason.contains("too far apart"), "{}", dead[3].reason);
    let alone: serde_json::Value = serde_json::from_slice(&dead[2].payload).unwrap();
    assert_eq!((&alone["v"], &alone["event_id"]), (&json!(1), &json!(events[1].event_id)));
    emptied(&scratch).await;
    scratch.finish().await;
}

#[tokio::test]
async fn a_dead_letter_that_was_mended_is_read_again() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let mut events: Vec<_> = (0..3).map(|_| given::event("fine", now())).collect();
    events[1].properties.insert("text".to_owned(), "a\0b".into());
    publish(&scratch, &events).await;
    let mut consumer = telemetry.consumer().await.unwrap();
    let first = batch(&mut consumer, 3).await;
    assert_eq!(telemetry.store(first).await.unwrap(), Stored { new: 2, dead: 1, ..Stored::default() });

    let letter = telemetry.dead_letters(1).await.unwrap().remove(0);
    let mended = String::from_utf8(letter.payload.to_vec()).unwrap().replace("\\u0000", "-");
    let subject = letter.subject.strip_prefix(&format!("{}telemetry.", scratch.prefix())).unwrap().to_owned();
    raw(&scratch, &subject, mended).await;
    let second = batch(&mut consumer, 1).await;
    assert_eq!(telemetry.store(second).await.unwrap(), Stored { new: 1, ..Stored::default() });
    assert_eq!(stored(&scratch).await, (3, 3));
    scratch.finish().await;
}

#[tokio::test]
async fn messages_of_the_version_before_are_still_read() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    for _ in 0..3 {
        let mut one = json!(given::event("level.up", now()));
        one["v"] = json!(1);
        raw(&scratch, "client.level_up", one.to_string()).await;
    }
    published(&scratch, 4).await;
    assert_eq!(telemetry.pending().await.unwrap(), 7);
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&mut consumer, 7).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 7, ..Stored::default() });
    emptied(&scratch).await;
    scratch.finish().await;
}

#[tokio::test]
async fn events_that_the_database_refuses_do_not_take_their_message_along() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    // A rule that only the database knows.
    sqlx::query("ALTER TABLE telemetry.events ADD CHECK (kind <> 'kind.1')")
        .execute(&scratch.sql().await)
        .await
        .unwrap();
    let events = published(&scratch, 9).await;
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = batch(&mut consumer, 9).await;
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 6, dead: 3, ..Stored::default() });
    let dead = telemetry.dead_letters(10).await.unwrap();
    let ids: Vec<_> = dead
        .iter()
        .map(|letter| serde_json::from_slice::<serde_json::Value>(&letter.payload).unwrap()["event_id"].clone())
        .collect();
    assert_eq!(ids, [1, 4, 7].map(|n| json!(events[n].event_id)));
    assert_eq!(stored(&scratch).await, (6, 6));
    scratch.finish().await;
}

#[tokio::test]
async fn a_full_stream_says_so_for_each_event_and_loses_nothing() {
    let scratch = Scratch::new().await;
    let stream = stream(&scratch).await;
    let mut config = stream.cached_info().config.clone();
    config.max_messages = 1;
    jetstream(&scratch).await.update_stream(config).await.unwrap();

    let mut events: Vec<_> = (0..4).map(|_| given::event("a", now())).collect();
    events[1].source = TelemetrySource::Server;
    events[2].source = TelemetrySource::Server;
    // Two messages, of which the stream takes one.
    let verdicts = scratch.store.telemetry.publish_all(&events).await;
    assert!(verdicts[0].is_ok() && verdicts[3].is_ok(), "{verdicts:?}");
    for refused in [&verdicts[1], &verdicts[2]] {
        assert!(matches!(refused, Err(PublishError::Backpressure)), "{refused:?}");
    }
    assert_eq!(scratch.store.telemetry.pending().await.unwrap(), 2);
    scratch.finish().await;
}

#[tokio::test]
async fn nothing_in_the_streams_is_let_go_to_make_room_and_streams_of_earlier_versions_are_brought_up_to_date() {
    let scratch = Scratch::bare().await;
    let day = Duration::from_secs(86_400);
    let name = |name: &str| format!("{}{name}", scratch.prefix().to_uppercase());
    let earlier = [
        stream::Config {
            name: name("TELEMETRY"),
            subjects: vec![format!("{}telemetry.>", scratch.prefix())],
            retention: stream::RetentionPolicy::WorkQueue,
            discard: stream::DiscardPolicy::New,
            max_bytes: 64 << 20,
            max_age: 3 * day,
            ..stream::Config::default()
        },
        stream::Config {
            name: name("DLQ"),
            subjects: vec![format!("{}dlq.>", scratch.prefix())],
            max_messages: 1_000_000,
            max_age: 30 * day,
            ..stream::Config::default()
        },
    ];
    for config in earlier {
        jetstream(&scratch).await.create_stream(config).await.unwrap();
    }
    published(&scratch, 5).await;

    scratch.store.ensure_streams().await.unwrap();
    let events = stream(&scratch).await.cached_info().clone();
    assert_eq!((events.config.max_age, events.config.discard), (Duration::ZERO, stream::DiscardPolicy::New));
    assert_eq!((events.config.max_bytes, events.state.messages), (64 << 20, 1));
    let dead = stream_named(&scratch, "DLQ").await.cached_info().config.clone();
    assert_eq!((dead.max_messages, dead.max_bytes, dead.max_age), (-1, 8 << 20, 30 * day));
    assert_eq!(dead.discard, stream::DiscardPolicy::New);
    scratch.finish().await;
}

#[tokio::test]
async fn what_the_dead_letters_have_no_room_for_stays_in_the_stream() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let limit = async |messages| {
        let mut config = stream_named(&scratch, "DLQ").await.cached_info().config.clone();
        config.max_messages = messages;
        jetstream(&scratch).await.update_stream(config).await.unwrap();
    };
    limit(1).await;
    let mut events: Vec<_> = (0..5).map(|_| given::event("fine", now())).collect();
    events[1].properties.insert("text".to_owned(), "a\0b".into());
    events[3].at = given::time("1970-01-01T00:00:00Z");
    publish(&scratch, &events).await;
    published(&scratch, 10).await;
    let mut consumer = telemetry.consumer().await.unwrap();
    let stored = telemetry.store(batch(&mut consumer, 15).await).await.unwrap();
    assert_eq!(stored, Stored { new: 13, dead: 1, kept_back: 1, ..Stored::default() });
    assert_eq!(telemetry.dead_letter_count().await.unwrap(), 1);
    // All else is stored and gone from the stream; what is kept back does not come again at once.
    let pending = async || scratch.store.telemetry.pending().await.unwrap();
    eventually(WAIT, "the others to be acknowledged", async || (pending().await == 5).then_some(())).await;
    assert!(consumer.next_batch(10, Duration::from_millis(1_500)).await.unwrap().is_empty());

    limit(-1).await;
    // Without a writers' place that remembers when it was to come again.
    stream(&scratch).await.delete_consumer("writer").await.unwrap();
    let mut consumer = telemetry.consumer().await.unwrap();
    let again = batch(&mut consumer, 5).await;
    assert_eq!(telemetry.store(again).await.unwrap(), Stored { duplicates: 3, dead: 2, ..Stored::default() });
    assert_eq!(telemetry.dead_letter_count().await.unwrap(), 2);
    emptied(&scratch).await;
    assert_eq!(self::stored(&scratch).await, (13, 13));
    scratch.finish().await;
}
