//! Regions, platforms and builds: which are told apart, and that nobody uses up the places there are.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::SubjectId;
use muster_store::{Days, Dimension, SeenEvent, Slice, TelemetryEvent, TelemetrySource};
use muster_testkit::Scratch;
use uuid::Uuid;

use crate::given;
use crate::insights_given::day;

fn noon() -> DateTime<Utc> {
    given::time("2026-01-05T12:00:00Z")
}

fn of(player: u128, build: &str, at: DateTime<Utc>) -> TelemetryEvent {
    TelemetryEvent {
        subject_id: Some(SubjectId::from_uuid(Uuid::from_u128(player))),
        build: Some(build.to_owned()),
        ..given::event("level.up", at)
    }
}

async fn told(scratch: &Scratch, events: &[TelemetryEvent]) {
    let seen: Vec<SeenEvent<'_>> = events.iter().map(SeenEvent::from).collect();
    scratch.store.insights.backfill(&seen).await.unwrap();
    scratch.store.insights.fold_all().await.unwrap();
}

/// Players of a day by build, the build's name first.
async fn by_build(scratch: &Scratch, asked: &str) -> Vec<(String, u64)> {
    let days = Days::new(day(asked), day(asked)).unwrap();
    let points = scratch.store.insights.active(days, &Slice::default(), Some(Dimension::Build)).await.unwrap();
    points.into_iter().map(|point| (point.group.unwrap_or_default(), point.daily)).filter(|(_, n)| *n > 0).collect()
}

async fn sql<T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
    scratch: &Scratch,
    text: &'static str,
) -> T {
    sqlx::query_scalar(text).fetch_one(&scratch.sql().await).await.unwrap()
}

#[tokio::test]
async fn the_groups_of_an_answer_are_those_with_the_most_players_in_the_range() {
    let scratch = Scratch::new().await;
    let mut events = Vec::new();
    // 70 builds of the past, one player each: all of them come first in the alphabet, and some are played still.
    for build in 0..70_u32 {
        events.push(of(build.into(), &format!("0.{build:02}"), noon() - TimeDelta::days(3)));
    }
    for build in 0..60_u32 {
        events.push(of(build.into(), &format!("0.{build:02}"), noon()));
    }
    for player in 0..5 {
        events.push(of(1_000 + player, "9.9", noon()));
        events.push(of(2_000 + player, "(other)", noon()));
    }
    told(&scratch, &events).await;
    for packed in [false, true] {
        let groups = by_build(&scratch, "2026-01-05").await;
        assert_eq!(groups.len(), 51, "{groups:?}");
        assert!(groups.contains(&("9.9".to_owned(), 5)), "the newest build is told, packed {packed}: {groups:?}");
        // 11 of the 60, and those who say so themselves: in one group, once.
        assert_eq!(
            groups.iter().filter(|(name, _)| name == "(other)").collect::<Vec<_>>(),
            [&("(other)".to_owned(), 16)]
        );
        // Of the past another choice is made.
        let past = by_build(&scratch, "2026-01-02").await;
        assert!(past.len() == 51 && past.iter().all(|(name, _)| name != "9.9"), "{past:?}");
        scratch.store.insights.pack(day("2026-02-01")).await.unwrap();
    }
    scratch.finish().await;
}

#[tokio::test]
async fn a_hostile_players_builds_do_not_take_the_places_of_honest_ones() {
    let scratch = Scratch::new().await;
    let mut events: Vec<TelemetryEvent> = (0..5_000).map(|n| of(666, &format!("evil-{n}"), noon())).collect();
    let session = muster_store::fresh_id();
    // Also by one session that is everywhere at once: its place is made of what its events say.
    for (n, event) in events.iter_mut().enumerate().skip(4_000) {
        event.session_id = Some(session);
        event.region = Some(format!("evil-{}", 9_999 - n));
    }
    for batch in events.chunks(500) {
        told(&scratch, batch).await;
    }
    let hostile = "SELECT count(*) FROM insights.places WHERE build LIKE 'evil-%'";
    assert_eq!(sql::<i64>(&scratch, hostile).await, 16);

    // The honest have theirs: of each build some players at once, of which any may name it first.
    let honest: Vec<TelemetryEvent> =
        (0..40).flat_map(|n| (0..3).map(move |p| of(n * 3 + p, &format!("1.{n}"), noon()))).collect();
    told(&scratch, &honest).await;
    assert_eq!(sql::<i64>(&scratch, "SELECT count(*) FROM insights.places WHERE build LIKE '1.%'").await, 40);
    // What was not told apart is counted all the same.
    let days = Days::new(day("2026-01-05"), day("2026-01-05")).unwrap();
    let kinds = scratch.store.insights.top_kinds(days, &Slice::default(), None, 5).await.unwrap();
    assert_eq!(kinds[0].events, 5_000 + 120);
    // A trusted server is trusted.
    let trusted: Vec<TelemetryEvent> = (0..50)
        .map(|n| TelemetryEvent { source: TelemetrySource::Trusted, ..of(666, &format!("2.{n}"), noon()) })
        .collect();
    told(&scratch, &trusted).await;
    assert_eq!(sql::<i64>(&scratch, "SELECT count(*) FROM insights.places WHERE build LIKE '2.%'").await, 50);

    // A month later there may be some more of them.
    sqlx::query("UPDATE insights.places SET made_on = made_on - 31, used_on = used_on - 31")
        .execute(&scratch.sql().await)
        .await
        .unwrap();
    told(&scratch, &(0..100).map(|n| of(666, &format!("evil-more-{n}"), noon())).collect::<Vec<_>>()).await;
    assert_eq!(sql::<i64>(&scratch, hostile).await, 32);
    scratch.finish().await;
}

#[tokio::test]
async fn places_that_nobody_names_any_more_give_their_room_back() {
    let scratch = Scratch::new().await;
    let fill = "INSERT INTO insights.places (place, build) SELECT n, 'old-' || n FROM generate_series(2, 4095) AS n";
    sqlx::query(fill).execute(&scratch.sql().await).await.unwrap();
    let made = "SELECT count(*) FROM insights.places WHERE build LIKE 'new-%'";
    told(&scratch, &[of(1, "new-1", noon())]).await;
    assert_eq!(sql::<i64>(&scratch, made).await, 0, "there is no room");

    sqlx::query("UPDATE insights.places SET used_on = used_on - 93").execute(&scratch.sql().await).await.unwrap();
    told(&scratch, &[of(1, "new-1", noon()), of(1, "old-7", noon())]).await;
    assert_eq!(sql::<i64>(&scratch, made).await, 1);
    let used = "SELECT count(*) FROM insights.places WHERE used_on = CURRENT_DATE AND build IN ('old-7', 'new-1')";
    assert_eq!(sql::<i64>(&scratch, used).await, 2);
    // What was told of it before keeps its name.
    let groups = by_build(&scratch, "2026-01-05").await;
    assert!(groups.iter().any(|(name, _)| name == "old-7"), "{groups:?}");
    scratch.finish().await;
}
