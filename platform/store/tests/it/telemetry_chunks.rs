use muster_store::{Chunk, DropError, Store};
use muster_testkit::Scratch;

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
