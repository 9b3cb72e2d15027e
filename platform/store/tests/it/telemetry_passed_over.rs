//! Messages of the stream that the writers' place is past, as a killed NATS leaves them.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use futures::StreamExt;
use muster_store::{Stored, TelemetryEvent, TelemetrySource, now};
use muster_testkit::{Scratch, eventually};

use crate::given;

const WAIT: Duration = Duration::from_secs(5);

async fn stream(scratch: &Scratch) -> stream::Stream {
    let jetstream = jetstream::new(async_nats::connect(&scratch.settings.nats_url).await.unwrap());
    jetstream.get_stream(format!("{}TELEMETRY", scratch.prefix().to_uppercase())).await.unwrap()
}

async fn publish(scratch: &Scratch, source: TelemetrySource, count: usize) -> Vec<TelemetryEvent> {
    let events: Vec<_> = (0..count).map(|_| TelemetryEvent { source, ..given::event("a", now()) }).collect();
    scratch.store.telemetry.publish_all(&events).await.into_iter().for_each(Result::unwrap);
    events
}

/// Takes the writers' place past three messages without storing them: it looks for others only, and those come later.
async fn pass_over(scratch: &Scratch) -> u64 {
    for count in [10, 1, 300] {
        publish(scratch, TelemetrySource::Server, count).await;
    }
    publish(scratch, TelemetrySource::Client, 5).await;
    let place = pull::Config {
        durable_name: Some("writer".to_owned()),
        ack_policy: AckPolicy::Explicit,
        filter_subject: format!("{}telemetry.client.>", scratch.prefix()),
        ..pull::Config::default()
    };
    let place = stream(scratch).await.create_consumer(place).await.unwrap();
    let mut found = place.fetch().max_messages(10).messages().await.unwrap();
    while let Some(message) = found.next().await {
        message.unwrap().double_ack().await.unwrap();
    }
    311
}

#[tokio::test]
async fn what_was_passed_over_is_stored_and_the_stream_becomes_empty() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    assert_eq!(telemetry.passed_over().await.unwrap(), None, "nobody has made the place yet");
    let left = pass_over(&scratch).await;

    // It is there, and the writers never see it.
    let mut consumer = telemetry.consumer().await.unwrap();
    assert!(consumer.next_batch(1_000, Duration::from_millis(300)).await.unwrap().is_empty());
    assert_eq!(telemetry.pending().await.unwrap(), left);

    let passed = telemetry.passed_over().await.unwrap().expect("three messages are passed over");
    assert_eq!(passed.first, 1);
    let other = scratch.reconnect().await;
    let (one, two) = tokio::join!(telemetry.bring_again(passed), other.telemetry.bring_again(passed));
    assert!(one.unwrap() + two.unwrap() >= 3);
    assert_eq!(telemetry.pending().await.unwrap(), left, "each is there once, whoever brought it");
    let batch = consumer.next_batch(311, WAIT).await.unwrap();
    assert_eq!(telemetry.store(batch).await.unwrap(), Stored { new: left, ..Stored::default() });
    let pending = async || telemetry.pending().await.unwrap();
    eventually(WAIT, "the stream to be empty", async || (pending().await == 0).then_some(())).await;
    assert_eq!(telemetry.passed_over().await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn while_others_are_at_work_only_what_lies_behind_them_is_passed_over() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let left = pass_over(&scratch).await;
    let mut consumer = telemetry.consumer().await.unwrap();
    publish(&scratch, TelemetrySource::Client, 7).await;
    let at_work = consumer.next_batch(7, WAIT).await.unwrap();
    assert_eq!(at_work.len(), 7);
    publish(&scratch, TelemetrySource::Client, 2).await;

    let passed = telemetry.passed_over().await.unwrap().expect("three messages are passed over");
    assert_eq!((passed.first, passed.through), (1, 4));
    assert_eq!(telemetry.bring_again(passed).await.unwrap(), 3);
    assert_eq!(telemetry.passed_over().await.unwrap(), None, "what somebody is at work on, or has yet to get, is not");
    assert_eq!(telemetry.store(at_work).await.unwrap().new, 7);
    let rest = consumer.next_batch(left as usize + 2, WAIT).await.unwrap();
    assert_eq!(telemetry.store(rest).await.unwrap(), Stored { new: left + 2, ..Stored::default() });
    scratch.finish().await;
}
