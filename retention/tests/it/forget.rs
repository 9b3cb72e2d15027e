//! What is left of a player's telemetry when it is forgotten.

use std::time::Duration;

use chrono::TimeDelta;
use muster_core::{id::SubjectId, telemetry::EventTypeDefinition};
use muster_retention::forget::{FORGET, forget_player};
use muster_store::{JobState, SeenEvent, TelemetryEvent, TelemetrySource, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{audited, worker};

fn chat(subject: SubjectId, text: &str) -> TelemetryEvent {
    let properties = json!({ "text": text, "length": text.len() }).as_object().unwrap().clone();
    TelemetryEvent {
        subject_id: Some(subject),
        session_id: Some(fresh_id()),
        properties,
        ..TelemetryEvent::new(fresh_id(), TelemetrySource::Client, "chat.sent", now(), now())
    }
}

/// Of how many events of a subject the text is there, and of how many it is not.
async fn texts(sql: &PgPool, subject: SubjectId) -> (i64, i64) {
    let counts = "SELECT count(*) FILTER (WHERE properties ? 'text'), count(*) FILTER (WHERE NOT properties ? 'text')
        FROM telemetry.events WHERE subject_id = $1";
    sqlx::query_as(counts).bind(subject.uuid()).fetch_one(sql).await.unwrap()
}

#[tokio::test]
async fn personal_properties_go_and_the_account_has_another_subject() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let told = json!({ "name": "chat.sent", "version": 1, "owner": "social", "personal": ["text"] });
    store.event_types.seed(&[EventTypeDefinition::from_json(&told).unwrap()], now()).await.unwrap();
    let ada = store.accounts.sign_in(&[1; 32], Some("Ada"), now()).await.unwrap().account;
    let bo = store.accounts.sign_in(&[2; 32], Some("Bo"), now()).await.unwrap().account;
    let (old, others) = (ada.subject_id, bo.subject_id);
    let sent = [chat(old, "hello"), chat(old, "are you there?"), chat(others, "yes")];
    store.telemetry.write_batch(&sent).await.unwrap();
    store.insights.fold_all().await.unwrap();
    let sql = scratch.sql().await;
    let of_facts = async || -> i64 {
        let known = "SELECT count(*) FROM insights.players WHERE subject_id = $1";
        sqlx::query_scalar(known).bind(old.uuid()).fetch_one(&sql).await.unwrap()
    };
    assert_eq!((texts(&sql, old).await, of_facts().await), ((2, 0), 1));

    assert!(forget_player(store, fresh_id(), "asked for it", now()).await.is_err());
    assert!(forget_player(store, ada.player_id, " ", now()).await.is_err());
    forget_player(store, ada.player_id, "asked for it", now()).await.unwrap();
    // From now on Ada is somebody new to telemetry, and the same player to everybody else.
    let again = store.accounts.sign_in(&[1; 32], None, now()).await.unwrap().account;
    assert_eq!((again.player_id, again.display_name.as_str()), (ada.player_id, "Ada"));
    assert_ne!(again.subject_id, old);

    let worker = worker(store, Duration::from_secs(10));
    let first = worker.step(&[FORGET]).await.unwrap().unwrap();
    assert_eq!((texts(&sql, old).await, texts(&sql, others).await, of_facts().await), ((0, 2), (1, 0), 0));
    let job = store.retention.job(first).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.result, Some(json!({ "events": 2, "quarantined": 0, "dead_letters": 0, "sessions": 2 })));

    // What was on its way comes as it was sent, and is forgotten by a later job.
    let late = chat(old, "what I said before");
    store.telemetry.write_batch(std::slice::from_ref(&late)).await.unwrap();
    store.insights.backfill(&[SeenEvent::from(&late)]).await.unwrap();
    assert_eq!(worker.step(&[FORGET]).await.unwrap(), None, "it is not due");
    let due = sqlx::query("UPDATE retention.jobs SET run_at = $1 WHERE kind = $2 AND state = 'queued'");
    due.bind(now() - TimeDelta::seconds(1)).bind(FORGET).execute(&sql).await.unwrap();
    for _ in 0..2 {
        assert!(worker.step(&[FORGET]).await.unwrap().is_some());
    }
    assert_eq!((texts(&sql, old).await, of_facts().await), ((0, 3), 0));

    // Nothing that is kept leads from the player to the old subject.
    let payloads: Vec<Value> = sqlx::query_scalar("SELECT payload FROM retention.jobs").fetch_all(&sql).await.unwrap();
    assert_eq!(payloads, vec![json!({}); 3]);
    let entries = audited(store, "player.forget_telemetry").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].entry.target, Some(ada.player_id.to_string()));
    assert!(!format!("{:?}", entries[0]).contains(&old.uuid().to_string()));
    scratch.finish().await;
}
