//! Kill switches and the platform's own events: nobody judges them at a door, so the writers do.

use std::sync::Arc;
use std::time::Duration;

use muster_core::telemetry::{kind, shipped_event_types};
use muster_store::{Actor, EventTypeChange, Stored, TelemetryEvent, TelemetrySource, fresh_id, now};
use muster_testkit::Scratch;

fn event(source: TelemetrySource, kind: &str) -> TelemetryEvent {
    TelemetryEvent::new(fresh_id(), source, kind, now(), now())
}

/// What a writer makes of a ticket's end, a match's end and a client's event, as the switches are now.
async fn written(scratch: &Scratch) -> Stored {
    let telemetry = &scratch.store.telemetry;
    let told = [
        event(TelemetrySource::Server, kind::TICKET_ENDED),
        event(TelemetrySource::Server, kind::MATCH_ENDED),
        event(TelemetrySource::Client, kind::SESSION_ENDED),
    ];
    telemetry.publish_all(&told).await.into_iter().for_each(Result::unwrap);
    let mut consumer = telemetry.consumer().await.unwrap();
    let mut batch = consumer.next_batch(told.len(), Duration::from_secs(10)).await.unwrap();
    assert_eq!(batch.len(), told.len());
    batch.heed(Arc::new(scratch.store.event_types.catalogue().await.unwrap()));
    let stored = telemetry.store(batch).await.unwrap();
    consumer.release().await.unwrap();
    stored
}

#[tokio::test]
async fn what_staff_switch_off_of_the_platforms_own_is_left_out_and_the_rest_is_stored() {
    let scratch = Scratch::new().await;
    let types = &scratch.store.event_types;
    types.seed(&shipped_event_types(), now()).await.unwrap();
    assert_eq!(written(&scratch).await, Stored { new: 3, ..Stored::default() });

    let author = Actor::System("test".to_owned());
    for name in [kind::TICKET_ENDED, kind::SESSION_ENDED] {
        let mut definition = types.get(name).await.unwrap().unwrap().definition;
        definition.enabled = false;
        let expected_version = Some(definition.version);
        let (author, reason) = (author.clone(), "a flood".to_owned());
        types.put(&EventTypeChange { definition, expected_version, author, reason }, now()).await.unwrap();
    }
    // The client's was taken at the door before the switch: it was acknowledged, so it is kept.
    assert_eq!(written(&scratch).await, Stored { new: 2, switched_off: 1, ..Stored::default() });

    let mut definition = types.get(kind::TICKET_ENDED).await.unwrap().unwrap().definition;
    definition.enabled = true;
    let expected_version = Some(definition.version);
    let change = EventTypeChange { definition, expected_version, author, reason: "it is over".to_owned() };
    types.put(&change, now()).await.unwrap();
    assert_eq!(written(&scratch).await, Stored { new: 3, ..Stored::default() });

    let sql = scratch.sql().await;
    let kinds = "SELECT kind, count(*) FROM telemetry.events GROUP BY kind ORDER BY kind";
    let kinds: Vec<(String, i64)> = sqlx::query_as(kinds).fetch_all(&sql).await.unwrap();
    let expected = [(kind::MATCH_ENDED, 3), (kind::SESSION_ENDED, 3), (kind::TICKET_ENDED, 2)];
    assert_eq!(kinds, expected.map(|(kind, events)| (kind.to_owned(), events)));
    scratch.finish().await;
}
