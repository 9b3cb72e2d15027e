use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_core::game::Mode;
use muster_store::{TelemetryEvent, TelemetrySource, Written, fresh_id};
use muster_testkit::Scratch;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::given;

/// The rollups as they are, and as they would be if they were counted now.
async fn rollups(sql: &PgPool) -> [Vec<(DateTime<Utc>, String, String, i64)>; 2] {
    let kept = "SELECT minute, source, kind, events FROM telemetry.event_minutes ORDER BY 1, 2, 3";
    let counted = "SELECT date_trunc('minute', at), source, kind, count(*) FROM telemetry.events GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    [sqlx::query_as(kept).fetch_all(sql).await.unwrap(), sqlx::query_as(counted).fetch_all(sql).await.unwrap()]
}

fn events(count: u32, start: DateTime<Utc>) -> Vec<TelemetryEvent> {
    (0..count)
        .map(|n| {
            let at = start + TimeDelta::seconds(i64::from(n) * 7);
            let source = if n % 2 == 0 { TelemetrySource::Client } else { TelemetrySource::Server };
            TelemetryEvent { source, ..given::event(["level.up", "shop.open"][(n % 3 == 0) as usize], at) }
        })
        .collect()
}

#[tokio::test]
async fn an_event_is_kept_with_all_it_says() {
    let scratch = Scratch::new().await;
    let at = given::time("2026-01-31T09:30:00.125Z");
    let event = TelemetryEvent {
        subject_id: Some(fresh_id()),
        session_id: Some(fresh_id()),
        match_id: Some(fresh_id()),
        mode: Some(Mode::ZeroHour),
        queue: Some("zero-hour-ranked".to_owned()),
        region: Some("eu".to_owned()),
        platform: Some("linux".to_owned()),
        build: Some("1.2.3".to_owned()),
        properties: json!({"wait_ms": 12, "name": "ü \"x\"", "deep": [{"a": null}]}).as_object().unwrap().clone(),
        ..given::event("match.started", at)
    };
    scratch.store.telemetry.write_batch(&[event.clone(), given::event("bare", at)]).await.unwrap();
    let sql = scratch.sql().await;
    let row: Value = sqlx::query_scalar("SELECT to_jsonb(e) FROM telemetry.events e WHERE kind = 'match.started'")
        .fetch_one(&sql)
        .await
        .unwrap();
    assert_eq!(row["properties"], Value::Object(event.properties.clone()));
    assert_eq!(row["mode"], "zero-hour");
    assert_eq!((&row["source"], &row["build"]), (&json!("client"), &json!("1.2.3")));
    assert_eq!(row["subject_id"], event.subject_id.unwrap().uuid().to_string());
    let bare: Value = sqlx::query_scalar("SELECT to_jsonb(e) FROM telemetry.events e WHERE kind = 'bare'")
        .fetch_one(&sql)
        .await
        .unwrap();
    assert_eq!((&bare["mode"], &bare["subject_id"], &bare["properties"]), (&Value::Null, &Value::Null, &json!({})));
    scratch.finish().await;
}

#[tokio::test]
async fn the_rollups_count_what_was_new_and_nothing_twice() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let batch = events(100, given::time("2026-01-31T23:55:00Z"));
    assert_eq!(telemetry.write_batch(&batch[..60]).await.unwrap(), Written { new: 60, duplicates: 0 });
    assert_eq!(telemetry.write_batch(&batch[..60]).await.unwrap(), Written { new: 0, duplicates: 60 });
    assert_eq!(telemetry.write_batch(&batch[40..]).await.unwrap(), Written { new: 40, duplicates: 20 });
    let twice = [given::event("a", batch[0].at), given::event("b", batch[0].at)];
    let twice: Vec<_> = twice.iter().chain(&twice).cloned().collect();
    assert_eq!(telemetry.write_batch(&twice).await.unwrap(), Written { new: 2, duplicates: 2 });
    assert_eq!(telemetry.write_batch(&[]).await.unwrap(), Written { new: 0, duplicates: 0 });

    let sql = scratch.sql().await;
    let [kept, counted] = rollups(&sql).await;
    assert_eq!(kept, counted);
    assert_eq!(kept.iter().map(|row| row.3).sum::<i64>(), 102);
    let totals: i64 =
        sqlx::query_scalar("SELECT sum(events)::bigint FROM telemetry.event_totals").fetch_one(&sql).await.unwrap();
    assert_eq!(totals, 102);
    scratch.finish().await;
}

#[tokio::test]
async fn writers_that_hold_the_same_events_at_once_neither_wait_for_ever_nor_count_twice() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let stores = [&scratch.store, &other];
    // Of two days, so of two chunks.
    let batch = events(400, given::time("2026-01-31T23:40:00Z"));
    let mut backwards = batch.clone();
    backwards.reverse();
    let batches = [&batch, &backwards];
    let written = join_all((0..8).map(|n| stores[n % 2].telemetry.write_batch(batches[n % 2]))).await;
    let written: Vec<_> = written.into_iter().map(Result::unwrap).collect();
    assert_eq!(written.iter().map(|written| written.new).sum::<u64>(), 400);
    assert_eq!(written.iter().map(|written| written.duplicates).sum::<u64>(), 7 * 400);
    let [kept, counted] = rollups(&scratch.sql().await).await;
    assert_eq!(kept, counted);
    scratch.finish().await;
}
