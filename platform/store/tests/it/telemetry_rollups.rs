use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_core::id::{SessionId, SubjectId};
use muster_core::telemetry::EventTypeDefinition;
use muster_store::{Actor, EventTypeChange, Recount, SessionGaps, TelemetryEvent, TelemetrySource, fresh_id};
use muster_testkit::Scratch;
use serde_json::{Value, json};

use crate::given;

pub async fn measure(scratch: &Scratch, kind: &str, measures: &[&str]) {
    let definition = json!({"name": kind, "version": 1, "owner": "design", "measures": measures});
    let change = EventTypeChange {
        definition: EventTypeDefinition::from_json(&definition).unwrap(),
        expected_version: None,
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    };
    scratch.store.event_types.put(&change, muster_store::now()).await.unwrap();
}

fn start() -> DateTime<Utc> {
    given::time("2026-01-31T22:30:00Z")
}

/// Events of seven players in as many sessions over three hours and midnight, numbered, with numbers of many sizes.
fn events(count: u32) -> Vec<TelemetryEvent> {
    let players: Vec<(SubjectId, SessionId)> = (0..7).map(|_| (fresh_id(), fresh_id())).collect();
    (0..count)
        .map(|n| {
            let (subject, session) = players[(n % 7) as usize];
            let took = [json!(n), json!(f64::from(n) / 7.0), json!(-3), json!("no number"), json!(null), json!(0)];
            let properties = json!({"took_ms": took[(n % 6) as usize], "score": n % 10});
            TelemetryEvent {
                subject_id: Some(subject),
                session_id: Some(session),
                sequence: (n % 5 != 0).then_some(u64::from(n / 7) + 1),
                source: [TelemetrySource::Client, TelemetrySource::Trusted][(n % 2) as usize],
                properties: properties.as_object().unwrap().clone(),
                ..given::event(
                    ["level.done", "shop.open"][(n % 3 == 0) as usize],
                    start() + TimeDelta::seconds(i64::from(n) * 27),
                )
            }
        })
        .collect()
}

#[tokio::test]
async fn every_rollup_is_what_a_recount_gives_however_often_events_come_and_from_however_many_writers() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms", "score"]).await;
    let others = [scratch.reconnect().await, scratch.reconnect().await];
    let stores = [&scratch.store, &others[0], &others[1]];
    let mut events = events(400);
    // Leap seconds, at the end of an hour and of a day; the database has none.
    events[0].at = given::time("2026-01-31T22:59:60.5Z");
    events[1].at = given::time("2026-01-31T23:59:60.5Z");
    let parts = [&events[..250], &events[100..], &events[200..300], &events[..50], &events[..]];
    join_all(parts.iter().zip(stores.iter().cycle()).map(|(part, store)| store.telemetry.write_batch(part)))
        .await
        .into_iter()
        .for_each(|written| assert!(written.unwrap().new <= 400));
    let telemetry = &scratch.store.telemetry;
    let recount = telemetry.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    assert!(recount.is_exact() && recount.events == 400, "{recount:?}");
    let facts = scratch.store.insights.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    assert!(facts.is_exact(), "{facts:?}");

    let sql = scratch.sql().await;
    let count = async |text: &'static str| sqlx::query_scalar::<_, i64>(text).fetch_one(&sql).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM telemetry.player_days").await, 14);
    assert_eq!(count("SELECT sum(events)::bigint FROM telemetry.event_hours").await, 400);
    // Every number is in one bucket, and what is no number is in none.
    let samples = count("SELECT sum(samples)::bigint FROM telemetry.measure_hours").await;
    assert_eq!(samples, count("SELECT sum(samples)::bigint FROM telemetry.measure_buckets").await);
    let numbers = "SELECT count(*) FROM telemetry.events, LATERAL (VALUES ('took_ms'), ('score')) AS m (name)
        WHERE kind = 'level.done' AND jsonb_typeof(properties -> m.name) = 'number'";
    assert_eq!(samples, count(numbers).await);

    // A recount tells what is wrong.
    sqlx::query("UPDATE telemetry.event_totals SET events = events - 1 WHERE source = 'client'")
        .execute(&sql)
        .await
        .unwrap();
    let recount = telemetry.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    assert_eq!(recount, Recount { events: 400, totals: 1, ..Recount::default() });
    sqlx::query("UPDATE telemetry.event_hours SET events = events + 1 WHERE kind = 'shop.open'")
        .execute(&sql)
        .await
        .unwrap();
    sqlx::query("DELETE FROM telemetry.player_days WHERE day = '2026-02-01'").execute(&sql).await.unwrap();
    sqlx::query("UPDATE telemetry.measure_hours SET sum = sum + 0.001").execute(&sql).await.unwrap();
    sqlx::query("DELETE FROM telemetry.measure_buckets WHERE bucket = 0 AND measure = 'score'")
        .execute(&sql)
        .await
        .unwrap();
    let recount = telemetry.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    assert!(
        recount.hours > 0
            && recount.player_days == 7
            && recount.measures > 0
            && recount.buckets > 0
            && recount.minutes == 0,
        "{recount:?}"
    );
    scratch.finish().await;
}

#[tokio::test]
async fn percentiles_by_buckets_are_within_one_percent() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms"]).await;
    let value = |n: u32| 0.5 * 1.01_f64.powi(n as i32);
    let event = |n: u32| TelemetryEvent {
        properties: json!({"took_ms": value(n)}).as_object().unwrap().clone(),
        ..given::event("level.done", start())
    };
    let events: Vec<_> = (0..1_000).map(event).collect();
    scratch.store.telemetry.write_batch(&events).await.unwrap();
    let sql = scratch.sql().await;
    for (share, rank) in [(0.5, 500), (0.95, 950), (0.99, 990), (1.0, 1_000)] {
        // The middle of the bucket in which that rank lies, by ratio.
        let found: f64 = sqlx::query_scalar(
            "SELECT power(1.02::float8, bucket - 0.5) / 1000
             FROM (SELECT bucket, sum(samples) OVER (ORDER BY bucket) AS up_to FROM telemetry.measure_buckets) b
             WHERE up_to >= $1 ORDER BY bucket LIMIT 1",
        )
        .bind(i64::from(rank))
        .fetch_one(&sql)
        .await
        .unwrap();
        let exact = value(rank as u32 - 1);
        assert!((found / exact - 1.0).abs() <= 0.0101, "{share}: {found} instead of {exact}");
    }
    // The ends of what a number can be, and of what a bucket holds.
    let odd = [
        json!(f64::MAX),
        json!(-1e300),
        json!(f64::MIN_POSITIVE),
        json!(5e-324),
        json!(-0.0),
        json!(0),
        json!(-0.5),
        json!(0.001),
        json!(0.00102),
        json!(-0.001),
        json!(0.000_999),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(9_007_199_254_740_993_u64),
    ];
    for odd in odd {
        let event = TelemetryEvent {
            properties: json!({ "took_ms": odd }).as_object().unwrap().clone(),
            ..given::event("level.done", start() + TimeDelta::hours(2))
        };
        scratch.store.telemetry.write_batch(&[event]).await.unwrap();
    }
    let recount = scratch.store.telemetry.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    assert!(recount.is_exact(), "{recount:?}");
    scratch.finish().await;
}

#[tokio::test]
async fn what_is_missing_in_a_session_shows() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let (whole, torn): (SessionId, SessionId) = (fresh_id(), fresh_id());
    let numbered = |session: SessionId, sequence: u64, at: DateTime<Utc>| TelemetryEvent {
        session_id: Some(session),
        sequence: Some(sequence),
        skew_ms: Some(-250),
        ..given::event("a", at)
    };
    let midnight = given::time("2026-02-01T00:00:00Z");
    let at = |minutes: i64| midnight + TimeDelta::minutes(minutes);
    // Out of order, over midnight, and some of them twice; the torn one lacks 1, 4 and 5.
    let sent = [
        numbered(whole, 3, at(5)),
        numbered(whole, 1, at(-5)),
        numbered(whole, 2, at(0)),
        numbered(torn, 2, at(-20)),
        numbered(torn, 6, at(20)),
        numbered(torn, 3, at(-10)),
    ];
    telemetry.write_batch(&sent).await.unwrap();
    telemetry.write_batch(&sent[2..4]).await.unwrap();
    let gaps = telemetry.gaps(at(-60), at(60)).await.unwrap();
    assert_eq!(gaps, SessionGaps { sessions: 2, with_gaps: 1, missing: 3 });
    // What was late fills the gap.
    telemetry.write_batch(&[1, 4, 5].map(|sequence| numbered(torn, sequence, at(0)))).await.unwrap();
    let gaps = telemetry.gaps(at(-60), at(60)).await.unwrap();
    assert_eq!(gaps, SessionGaps { sessions: 2, with_gaps: 0, missing: 0 });
    let skew: Value = sqlx::query_scalar("SELECT to_jsonb(e) FROM telemetry.events e LIMIT 1")
        .fetch_one(&scratch.sql().await)
        .await
        .unwrap();
    assert_eq!(skew["skew_ms"], -250);
    assert!(telemetry.recount(at(-60), at(60 * 25)).await.unwrap().is_exact());
    scratch.finish().await;
}

#[tokio::test]
async fn a_measure_that_is_added_or_taken_away_makes_no_recount_wrong() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms"]).await;
    scratch.store.telemetry.write_batch(&events(400)).await.unwrap();
    let recount = async || scratch.store.telemetry.recount(start(), start() + TimeDelta::days(2)).await.unwrap();
    let change = async |version: u32, measures: &[&str]| {
        let definition = json!({"name": "level.done", "version": version, "owner": "design", "measures": measures});
        let change = EventTypeChange {
            definition: EventTypeDefinition::from_json(&definition).unwrap(),
            expected_version: Some(version - 1),
            author: Actor::System("test".to_owned()),
            reason: "a test".to_owned(),
        };
        scratch.store.event_types.put(&change, muster_store::now()).await.unwrap();
    };
    assert!(recount().await.is_exact());
    change(2, &["took_ms", "score"]).await;
    assert!(recount().await.is_exact(), "of what was there before, nobody has counted the new one");
    // The one that stays is still compared from its beginning.
    let sql = scratch.sql().await;
    let damage = |by: &'static str| sqlx::query(by).execute(&sql);
    damage("UPDATE telemetry.measure_hours SET samples = samples + 1").await.unwrap();
    assert!(recount().await.measures > 0);
    damage("UPDATE telemetry.measure_hours SET samples = samples - 1").await.unwrap();
    change(3, &["score"]).await;
    assert!(recount().await.is_exact(), "what was counted before is not compared any more");
    change(4, &["took_ms", "score"]).await;
    assert!(recount().await.is_exact(), "there was a time when it was not counted");
    scratch.finish().await;
}
