use std::time::Duration;

use muster_store::{DeadLetterFilter, Stored, TelemetryEvent, now};
use muster_testkit::Scratch;

use crate::given;

async fn store_next(scratch: &Scratch, events: usize) -> Stored {
    let telemetry = &scratch.store.telemetry;
    let mut consumer = telemetry.consumer().await.unwrap();
    let batch = consumer.next_batch(events, Duration::from_secs(10)).await.unwrap();
    assert_eq!(batch.len(), events);
    let stored = telemetry.store(batch).await.unwrap();
    consumer.release().await.unwrap();
    stored
}

#[tokio::test]
async fn letters_that_the_filter_takes_are_tried_again_and_the_others_stay() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let refuse = "ALTER TABLE telemetry.events ADD CONSTRAINT no_shop CHECK (kind <> 'shop.open')";
    let sql = scratch.sql().await;
    sqlx::query(refuse).execute(&sql).await.unwrap();
    let mut events: Vec<TelemetryEvent> = Vec::new();
    for n in 0..12 {
        events.push(given::event(["shop.open", "level.done"][usize::from(n % 2 == 1)], now()));
    }
    events[1].at = given::time("1970-01-01T00:00:00Z");
    telemetry.publish_all(&events).await.into_iter().for_each(Result::unwrap);
    assert_eq!(store_next(&scratch, 12).await, Stored { new: 5, dead: 7, ..Stored::default() });
    assert_eq!(telemetry.dead_letter_count().await.unwrap(), 7);

    // While the fault is there they come back as new letters, and none is lost.
    let filter = DeadLetterFilter { kind: Some("shop.open".to_owned()), ..DeadLetterFilter::default() };
    let step = telemetry.replay(&filter, 0, 3).await.unwrap();
    assert_eq!((step.replayed + step.passed_over, step.next.is_some()), (3, true));
    let gone = step.replayed as usize;
    assert_eq!(store_next(&scratch, gone).await, Stored { dead: gone as u64, ..Stored::default() });
    assert_eq!(telemetry.dead_letter_count().await.unwrap(), 7);

    sqlx::query("ALTER TABLE telemetry.events DROP CONSTRAINT no_shop").execute(&sql).await.unwrap();
    let (mut after, mut replayed, mut passed_over) = (0, 0, 0);
    loop {
        let step = telemetry.replay(&filter, after, 3).await.unwrap();
        replayed += step.replayed;
        passed_over += step.passed_over;
        let Some(next) = step.next else { break };
        after = next;
    }
    assert_eq!((replayed, passed_over), (6, 1));
    assert_eq!(store_next(&scratch, 6).await, Stored { new: 6, ..Stored::default() });
    assert_eq!(telemetry.census("shop.open").await.unwrap().events, 6);
    let left = telemetry.dead_letters(10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].kind.as_deref(), Some("level.done"));
    assert!(left[0].reason.contains("too far apart") && left[0].buried_at <= now());

    let nothing = DeadLetterFilter { reason: Some("no such reason".to_owned()), ..DeadLetterFilter::default() };
    let step = telemetry.replay(&nothing, 0, 10).await.unwrap();
    assert_eq!((step.replayed, step.passed_over, step.next), (0, 1, None));
    let later = DeadLetterFilter { from: Some(left[0].buried_at + chrono::TimeDelta::seconds(1)), ..nothing };
    assert!(!later.takes(&left[0]));
    scratch.finish().await;
}
