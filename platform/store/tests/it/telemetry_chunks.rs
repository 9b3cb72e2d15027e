use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, Chunk, DropError, EventTypeChange, Store, now};
use muster_testkit::Scratch;
use serde_json::json;
use uuid::Uuid;

use crate::given;

async fn days(store: &Store) {
    for day in 1..=5 {
        let at = given::time(&format!("2026-01-0{day}T12:00:00Z"));
        let events: Vec<_> = (0..10).map(|_| given::event("a", at)).collect();
        store.telemetry.write_batch(&events).await.unwrap();
    }
}

#[tokio::test]
async fn old_chunks_are_told_by_a_dry_run_and_gone_after_the_real_one() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    days(&scratch.store).await;
    let sql = scratch.sql().await;
    sqlx::query("ANALYZE").execute(&sql).await.unwrap();
    let count =
        async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM telemetry.events").fetch_one(&sql).await.unwrap() };

    // In the middle of the third day: that day stays whole.
    let cutoff = given::time("2026-01-03T15:00:00Z");
    let planned = telemetry.drop_chunks_older_than("telemetry.events", cutoff, true).await.unwrap();
    assert_eq!(planned.len(), 2);
    assert_eq!(planned[0].range_start, given::time("2026-01-01T00:00:00Z"));
    assert_eq!(planned[1].range_end, given::time("2026-01-03T00:00:00Z"));
    // PostgreSQL's own count of what was written may come in beside what ANALYZE saw: an estimate is no less than the truth.
    assert!(planned.iter().all(|chunk| chunk.rows_estimate >= 10 && chunk.bytes > 0), "{planned:?}");
    assert_eq!(count().await, 50);

    let dropped = telemetry.drop_chunks_older_than("telemetry.events", cutoff, false).await.unwrap();
    let names = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&dropped), names(&planned));
    assert_eq!(count().await, 30);
    assert!(telemetry.drop_chunks_older_than("telemetry.events", cutoff, false).await.unwrap().is_empty());
    // What was counted stays counted.
    let kept: i64 =
        sqlx::query_scalar("SELECT sum(events)::bigint FROM telemetry.event_minutes").fetch_one(&sql).await.unwrap();
    assert_eq!(kept, 50);
    scratch.finish().await;
}

fn with_retention(retention: &str) -> EventTypeDefinition {
    EventTypeDefinition::from_json(&json!({"name": "a", "version": 1, "owner": "design", "retention": retention}))
        .unwrap()
}

fn change(version: u32, retention: &str) -> EventTypeChange {
    EventTypeChange {
        definition: with_retention(retention),
        expected_version: Some(version),
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    }
}

#[tokio::test]
async fn events_of_short_types_go_before_their_day_does() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    days(store).await;
    let others: Vec<_> =
        (1..=5).map(|day| given::event("b", given::time(&format!("2026-01-0{day}T12:00:00Z")))).collect();
    store.telemetry.write_batch(&others).await.unwrap();
    let sql = scratch.sql().await;
    let counts = async || -> (i64, i64) {
        let counts =
            "SELECT count(*) FILTER (WHERE kind = 'a'), count(*) FILTER (WHERE kind = 'b') FROM telemetry.events";
        sqlx::query_as(counts).fetch_one(&sql).await.unwrap()
    };
    let drop = async |dry_run| -> Vec<u64> {
        let cutoff = given::time("2026-01-03T15:00:00Z");
        let dropped = store.telemetry.drop_chunks_older_than("telemetry.events:short", cutoff, dry_run).await.unwrap();
        dropped.iter().map(|day| day.rows_estimate).collect()
    };

    // Not while nobody says so of them, and not when somebody once did.
    store.event_types.seed(&[with_retention("short")], now()).await.unwrap();
    store.event_types.put(&change(1, "standard"), now()).await.unwrap();
    assert!(drop(false).await.is_empty());
    store.event_types.put(&change(2, "short"), now()).await.unwrap();

    assert_eq!((drop(true).await, counts().await), (vec![10, 10], (50, 5)));
    assert_eq!((drop(false).await, counts().await), (vec![10, 10], (30, 5)));
    assert!(drop(false).await.is_empty());
    // What was counted stays counted.
    let kept: i64 =
        sqlx::query_scalar("SELECT sum(events)::bigint FROM telemetry.event_minutes").fetch_one(&sql).await.unwrap();
    assert_eq!(kept, 55);
    scratch.finish().await;
}

#[tokio::test]
async fn events_of_long_types_stay_when_their_day_goes() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    days(store).await;
    let others: Vec<_> =
        (1..=5).map(|day| given::event("b", given::time(&format!("2026-01-0{day}T12:00:00Z")))).collect();
    store.telemetry.write_batch(&others).await.unwrap();
    let sql = scratch.sql().await;
    let ids = async |table: &str| -> Vec<(Uuid, Option<String>)> {
        let ids = format!(
            "SELECT event_id, properties::text FROM {table} WHERE kind = 'a' AND at < '2026-01-03' ORDER BY event_id"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(ids)).fetch_all(&sql).await.unwrap()
    };
    let before = ids("telemetry.events").await;
    let drop = async |table| {
        let cutoff = given::time("2026-01-03T15:00:00Z");
        store.telemetry.drop_chunks_older_than(table, cutoff, false).await.unwrap().len()
    };
    store.event_types.seed(&[with_retention("short")], now()).await.unwrap();
    store.event_types.put(&change(1, "long"), now()).await.unwrap();

    // Those of the days that stay are where they were.
    assert_eq!(drop("telemetry.events").await, 2);
    assert_eq!((before.len(), ids("telemetry.long_events").await), (20, before));
    assert!(ids("telemetry.events").await.is_empty());
    let kept: Vec<(String, i64)> =
        sqlx::query_as("SELECT kind, count(*) FROM telemetry.long_events GROUP BY kind").fetch_all(&sql).await.unwrap();
    assert_eq!(kept, [("a".to_owned(), 20)]);

    // They go by a policy of their own, by the month.
    let late = async |cutoff: &str| {
        let cutoff = given::time(cutoff);
        store.telemetry.drop_chunks_older_than("telemetry.long_events", cutoff, false).await.unwrap().len()
    };
    assert_eq!(late("2026-01-04T00:00:00Z").await, 0);
    assert_eq!(late("2026-04-04T00:00:00Z").await, 1);
    assert!(ids("telemetry.long_events").await.is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn old_sessions_go_by_the_chunk_and_stay_counted() {
    let scratch = Scratch::new().await;
    let sql = scratch.sql().await;
    let insert = "INSERT INTO insights.sessions
        SELECT day, gen_random_uuid(), NULL, 0, day, day, 1, 0, 0 FROM generate_series('2026-01-01'::timestamptz, '2026-01-05', '1 day') day";
    sqlx::query(insert).execute(&sql).await.unwrap();
    let cutoff = given::time("2026-01-03T15:00:00Z");
    for table in ["insights.sessions", "insights.matches", "insights.queue_facts", "insights.samples"] {
        let gone = scratch.store.telemetry.drop_chunks_older_than(table, cutoff, false).await.unwrap();
        assert_eq!(gone.len(), if table == "insights.sessions" { 2 } else { 0 }, "{table}");
    }
    scratch.finish().await;
}

#[tokio::test]
async fn nothing_but_the_listed_tables_is_dropped() {
    let scratch = Scratch::new().await;
    let cutoff = given::time("2030-01-01T00:00:00Z");
    for table in ["staff.audit", "telemetry.event_minutes", "events", "telemetry.events; DROP TABLE staff.audit"] {
        let error = scratch.store.telemetry.drop_chunks_older_than(table, cutoff, false).await.unwrap_err();
        assert!(matches!(error, DropError::UnknownTable(_)), "{table}: {error}");
    }
    scratch.finish().await;
}
