use std::time::Duration;

use futures::future::join_all;
use muster_core::telemetry::{EventTypeDefinition, shipped_event_types};
use muster_store::{
    Actor, AuditOutcome, EventTypeChange, PutEventTypeError, SourceSwitch, SwitchError, TelemetrySource, now,
};
use muster_testkit::Scratch;
use serde_json::json;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(1);

fn definition(name: &str) -> EventTypeDefinition {
    EventTypeDefinition::from_json(&json!({"name": name, "version": 1, "owner": "design"})).unwrap()
}

fn change(definition: EventTypeDefinition, expected_version: Option<u32>) -> EventTypeChange {
    EventTypeChange {
        definition,
        expected_version,
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    }
}

#[tokio::test]
async fn a_change_is_a_version_with_its_reason_and_everybody_has_it_within_a_second() {
    let scratch = Scratch::new().await;
    let types = &scratch.store.event_types;
    let other = scratch.reconnect().await;
    let (catalogue, mut watch) = other.event_types.watch().await.unwrap();
    assert!(catalogue.get("level.done").is_none());

    let made = types.put(&change(definition("level.done"), None), now()).await.unwrap();
    assert_eq!(made.version, 1);
    let catalogue = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert!(catalogue.get("level.done").unwrap().definition.enabled);

    let off = EventTypeDefinition { enabled: false, measures: vec!["took_ms".to_owned()], ..made };
    types.put(&change(off, Some(1)), now()).await.unwrap();
    let catalogue = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert!(!catalogue.get("level.done").unwrap().definition.enabled);

    let history = types.history("level.done", None, 10).await.unwrap();
    assert_eq!(history.iter().map(|version| version.definition.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((&*history[0].author, &*history[0].reason), ("test", "a test"));
    assert_eq!(types.history("level.done", Some(2), 10).await.unwrap().len(), 1);
    let entries = scratch.store.audit.list(None, 10).await.unwrap();
    let acts: Vec<_> = entries.iter().map(|entry| (&*entry.entry.action, entry.entry.outcome)).collect();
    let done = AuditOutcome::Succeeded;
    assert_eq!(acts, [("event_type.change", done), ("event_type.create", done)]);
    scratch.finish().await;
}

#[tokio::test]
async fn of_many_who_change_the_same_version_one_does() {
    let scratch = Scratch::new().await;
    let types = &scratch.store.event_types;
    assert!(matches!(
        types.put(&change(definition("a"), Some(1)), now()).await,
        Err(PutEventTypeError::VersionConflict { current: 0 })
    ));
    types.put(&change(definition("a"), None), now()).await.unwrap();
    assert!(matches!(types.put(&change(definition("a"), None), now()).await, Err(PutEventTypeError::Exists)));
    let changes: Vec<_> = (0..8).map(|_| change(definition("a"), Some(1))).collect();
    let outcomes = join_all(changes.iter().map(|change| types.put(change, now()))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let lost = |outcome: &&Result<_, _>| matches!(outcome, Err(PutEventTypeError::VersionConflict { current: 2 }));
    assert_eq!(outcomes.iter().filter(lost).count(), 7);

    let broken = EventTypeDefinition { schema: Some(json!({"type": "nothing"})), ..definition("b") };
    assert!(matches!(types.put(&change(broken, None), now()).await, Err(PutEventTypeError::Invalid(_))));
    let silent = EventTypeChange { reason: " ".to_owned(), ..change(definition("b"), None) };
    assert!(matches!(types.put(&silent, now()).await, Err(PutEventTypeError::Invalid(_))));
    scratch.finish().await;
}

#[tokio::test]
async fn the_shipped_types_are_added_once_and_what_staff_made_of_them_stays() {
    let scratch = Scratch::new().await;
    let types = &scratch.store.event_types;
    let shipped = shipped_event_types();
    assert_eq!(types.seed(&shipped, now()).await.unwrap(), shipped.len() as u64);
    let off = EventTypeDefinition { enabled: false, ..shipped[0].clone() };
    types.put(&change(off, Some(1)), now()).await.unwrap();
    assert_eq!(types.seed(&shipped, now()).await.unwrap(), 0);
    let newest = types.get(&shipped[0].name).await.unwrap().unwrap().definition;
    assert_eq!((newest.version, newest.enabled), (2, false));
    assert_eq!(types.list().await.unwrap().len(), shipped.len());
    scratch.finish().await;
}

#[tokio::test]
async fn a_source_is_closed_and_opened_and_everybody_knows() {
    let scratch = Scratch::new().await;
    let types = &scratch.store.event_types;
    let (catalogue, mut watch) = types.watch().await.unwrap();
    assert!(!catalogue.is_closed(TelemetrySource::Client));
    let switch = |source, closed| SourceSwitch {
        source,
        closed,
        author: Actor::System("test".to_owned()),
        reason: "a flood".to_owned(),
    };
    types.switch(&switch(TelemetrySource::Client, true), now()).await.unwrap();
    let catalogue = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert!(catalogue.is_closed(TelemetrySource::Client) && !catalogue.is_closed(TelemetrySource::Trusted));
    assert_eq!(types.closed_sources().await.unwrap()[0].reason, "a flood");
    types.switch(&switch(TelemetrySource::Client, false), now()).await.unwrap();
    let catalogue = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert!(!catalogue.is_closed(TelemetrySource::Client));
    let refused = types.switch(&switch(TelemetrySource::Server, true), now()).await;
    assert!(matches!(refused, Err(SwitchError::Invalid(_))));
    let acts: Vec<_> =
        scratch.store.audit.list(None, 10).await.unwrap().into_iter().map(|entry| entry.entry.action).collect();
    assert_eq!(acts, ["event_source.open", "event_source.close"]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_change_that_nobody_told_of_is_seen_all_the_same() {
    let scratch = Scratch::new().await;
    let (_, mut watch) = scratch.store.event_types.watch().await.unwrap();
    let put = "INSERT INTO telemetry.event_types VALUES ('quiet', 1, $1, 'x', 'y', now())";
    let definition = serde_json::to_value(definition("quiet")).unwrap();
    sqlx::query(put).bind(definition).execute(&scratch.sql().await).await.unwrap();
    let catalogue = timeout(Duration::from_secs(10), watch.next()).await.expect("it is found");
    assert!(catalogue.get("quiet").is_some());
    scratch.finish().await;
}
