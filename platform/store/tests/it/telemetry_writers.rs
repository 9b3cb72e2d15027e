//! Writers that share the stream, die at the wrong moment, and meet what should not be there.

use std::time::Duration;

use futures::future::join_all;
use muster_store::{Store, Stored, TelemetryEvent, TelemetrySource, now};
use muster_testkit::{Scratch, eventually};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::given;

const WAIT: Duration = Duration::from_secs(2);

async fn publish(store: &Store, events: &[TelemetryEvent]) {
    store.telemetry.publish_all(events).await.into_iter().for_each(Result::unwrap);
}

async fn raw(scratch: &Scratch, lines: &[String]) {
    let jetstream = async_nats::jetstream::new(async_nats::connect(&scratch.settings.nats_url).await.unwrap());
    let subject = format!("{}telemetry.client.batch.{}", scratch.prefix(), lines.len());
    let payload = format!("{{\"v\":2}}\n{}\n", lines.join("\n"));
    jetstream.publish(subject, payload.into()).await.unwrap().await.unwrap();
}

/// Stores until nothing waits any more. With a chance of one in three it dies between the commit and the word of it.
async fn write_until_empty(store: &Store, seed: u64) -> Stored {
    let mut random = StdRng::seed_from_u64(seed);
    let mut consumer = store.telemetry.consumer().await.unwrap();
    let mut sum = Stored::default();
    while store.telemetry.pending().await.unwrap() > 0 {
        let batch = consumer.next_batch(random.random_range(1..=700), Duration::from_millis(50)).await.unwrap();
        let stored = store.telemetry.write(&batch).await.unwrap();
        sum.new += stored.new;
        sum.duplicates += stored.duplicates;
        if random.random_ratio(1, 3) {
            batch.retry_later(Duration::from_millis(1)).await.unwrap();
        } else {
            batch.ack().await.unwrap();
        }
    }
    sum
}

#[tokio::test]
async fn two_writers_that_keep_dying_store_each_event_once_and_count_it_once() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut random = StdRng::seed_from_u64(11);
    let at = now();
    let events: Vec<_> = (0..5_000)
        .map(|n| TelemetryEvent {
            source: if n % 5 == 0 { TelemetrySource::Server } else { TelemetrySource::Client },
            ..given::event(["a", "b", "c"][n % 3], at - chrono::TimeDelta::seconds((n % 600) as i64))
        })
        .collect();
    let mut sent = 0;
    while sent < events.len() {
        let next = (sent + random.random_range(1..=300)).min(events.len());
        publish(&scratch.store, &events[sent..next]).await;
        // Clients repeat themselves, too, in other company.
        publish(&scratch.store, &events[next.saturating_sub(20)..next]).await;
        sent = next;
    }
    let sums = join_all([write_until_empty(&scratch.store, 1), write_until_empty(&other, 2)]).await;
    assert_eq!(sums.iter().map(|sum| sum.new).sum::<u64>(), 5_000);
    assert!(sums.iter().all(|sum| sum.duplicates > 0), "{sums:?}");

    let sql = scratch.sql().await;
    let kept = "SELECT minute, source, kind, events FROM telemetry.event_minutes ORDER BY 1, 2, 3";
    let counted = "SELECT date_trunc('minute', at), source, kind, count(*) FROM telemetry.events GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    type Rows = Vec<(chrono::DateTime<chrono::Utc>, String, String, i64)>;
    let kept: Rows = sqlx::query_as(kept).fetch_all(&sql).await.unwrap();
    let counted: Rows = sqlx::query_as(counted).fetch_all(&sql).await.unwrap();
    assert_eq!(kept, counted);
    assert_eq!(kept.iter().map(|row| row.3).sum::<i64>(), 5_000);
    scratch.finish().await;
}

#[tokio::test]
async fn poison_in_the_middle_of_a_message_costs_nobody_but_itself() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    sqlx::query("INSERT INTO telemetry.measures (kind, measure) VALUES ('fine', 'm')")
        .execute(&scratch.sql().await)
        .await
        .unwrap();
    let line = |properties: &str| {
        let mut event = json!(given::event("fine", now()));
        event["properties"] = json!("HERE");
        event.to_string().replace("\"HERE\"", properties)
    };
    // No process of the platform sends any of these; whoever can publish to the stream could.
    let poison = [
        ("garbage".to_owned(), "cannot be read"),
        (r#"{"kind":"a"}"#.to_owned(), "missing field"),
        (line("{}").replace("\"client\"", "\"nobody\""), "unknown variant"),
        (line("[]"), "not a JSON object"),
        (line(r#"{"a":"\u0000"}"#), "U+0000"),
        // Only the database sees what is wrong with these.
        (line(r#"{"a":"\ud800"}"#), "PostgreSQL"),
        (line(&format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000))), "stack depth"),
        (line(r#"{"a":1e999999}"#), "PostgreSQL"),
        // The database would take these, and their sum would have more digits than it takes.
        (line(r#"{"m":9e131071}"#), "not of the size of any double"),
        (line(r#"{"m":-1e-16383}"#), "not of the size of any double"),
    ];
    let mut lines = vec![line("{}")];
    for (poison, _) in &poison {
        lines.extend([poison.clone(), line(r#"{"a":"\\u0000","b":1.5,"m":0e200000}"#)]);
    }
    raw(&scratch, &lines).await;

    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(lines.len(), WAIT).await.unwrap();
    assert_eq!(batch.len(), lines.len());
    let stored = telemetry.store(batch).await.unwrap();
    assert_eq!(stored, Stored { new: poison.len() as u64 + 1, dead: poison.len() as u64, ..Stored::default() });
    let dead = telemetry.dead_letters(20).await.unwrap();
    assert_eq!(dead.len(), poison.len());
    for (poison, reason) in &poison {
        let (_, end) = poison.split_at(1);
        let letter = dead.iter().find(|letter| letter.payload.ends_with(end.as_bytes())).unwrap();
        assert!(letter.reason.contains(reason), "{:?} should say {reason:?}", letter.reason);
    }
    let pending = async || telemetry.pending().await.unwrap();
    eventually(WAIT, "the stream to be empty", async || (pending().await == 0).then_some(())).await;
    scratch.finish().await;
}

#[tokio::test]
async fn a_batch_that_the_database_cannot_take_now_comes_again_whole() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let events: Vec<_> = (0..30).map(|_| given::event("a", now())).collect();
    publish(&scratch.store, &events).await;
    let sql = scratch.sql().await;
    sqlx::query("ALTER TABLE telemetry.event_totals RENAME TO elsewhere").execute(&sql).await.unwrap();
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(30, WAIT).await.unwrap();
    telemetry.store(batch).await.unwrap_err();
    let count =
        async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM telemetry.events").fetch_one(&sql).await.unwrap() };
    assert_eq!(count().await, 0);
    assert_eq!(telemetry.pending().await.unwrap(), 30);

    sqlx::query("ALTER TABLE telemetry.elsewhere RENAME TO event_totals").execute(&sql).await.unwrap();
    let batch = consumer.next_batch(30, Duration::from_secs(5)).await.unwrap();
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: 30, ..Stored::default() });
    assert_eq!(count().await, 30);
    scratch.finish().await;
}

#[tokio::test]
async fn a_stream_without_room_for_more_bytes_refuses() {
    let scratch = Scratch::new().await;
    let mut large: Vec<_> = (0..20).map(|_| given::event("a", now())).collect();
    for event in &mut large {
        event.properties.insert("text".to_owned(), Value::from("x".repeat(200_000)));
    }
    // 64 MiB are set aside for a test; 4 MB a round.
    let mut rounds = 0;
    loop {
        large.iter_mut().for_each(|event| event.event_id = muster_store::fresh_id());
        if scratch.store.telemetry.publish_all(&large).await.iter().any(Result::is_err) {
            break;
        }
        rounds += 1;
        assert!(rounds < 20, "the stream takes more than it may");
    }
    assert!(rounds > 10, "the stream was full after {rounds} rounds");
    scratch.finish().await;
}
