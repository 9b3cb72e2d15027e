//! Seasons, and questions of them.

use chrono::TimeDelta;
use muster_store::{Actor, Days, Dimension, PutSeasonError, Season, SeasonChange, Slice, Span, Step, Store, now};
use muster_testkit::Scratch;

use crate::given;
use crate::insights_given::{day, population, shuffled, told};

fn change(name: &str, from: &str, to: &str, expected_version: Option<u32>) -> SeasonChange {
    let midnight = |day: &str| given::time(&format!("{day}T00:00:00Z"));
    SeasonChange {
        name: name.to_owned(),
        starts_at: midnight(from),
        ends_at: midnight(to),
        expected_version,
        author: Actor::System("test".to_owned()),
        reason: "a test".to_owned(),
    }
}

pub async fn put(store: &Store, name: &str, from: &str, to: &str) -> Season {
    store.seasons.put(&change(name, from, to, None), now()).await.unwrap()
}

#[tokio::test]
async fn a_season_is_made_and_moved_and_overlaps_no_other() {
    let scratch = Scratch::new().await;
    let seasons = &scratch.store.seasons;
    let first = put(&scratch.store, "s-1", "2026-01-01", "2026-02-01").await;
    let second = put(&scratch.store, "s-2", "2026-02-01", "2026-03-01").await;
    assert_eq!(seasons.list().await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(seasons.get("s-1").await.unwrap(), Some(first));
    assert_eq!(seasons.get("s-3").await.unwrap(), None);

    let put = async |change: SeasonChange| seasons.put(&change, now()).await;
    let refused = put(change("s-3", "2026-02-28", "2026-04-01", None)).await;
    assert!(matches!(refused, Err(PutSeasonError::Overlaps)), "{refused:?}");
    let refused = put(change("s-2", "2026-05-01", "2026-06-01", None)).await;
    assert!(matches!(refused, Err(PutSeasonError::Exists)), "{refused:?}");
    for (name, version, current) in [("s-2", 2, 1), ("s-3", 1, 0)] {
        let refused = put(change(name, "2026-05-01", "2026-06-01", Some(version))).await;
        assert!(
            matches!(refused, Err(PutSeasonError::VersionConflict { current: is }) if is == current),
            "{refused:?}"
        );
    }
    let moved = put(change("s-2", "2026-02-08", "2026-03-08", Some(1))).await.unwrap();
    assert_eq!((moved.version, seasons.get("s-2").await.unwrap()), (2, Some(moved)));
    // Its own days are no others'.
    assert!(put(change("s-2", "2026-02-01", "2026-03-08", Some(2))).await.is_ok());

    let entries = scratch.store.audit.list(None, 10).await.unwrap();
    let acts: Vec<&str> = entries.iter().map(|entry| entry.entry.action.as_str()).collect();
    assert_eq!(acts, ["season.change", "season.change", "season.create", "season.create"]);
    scratch.finish().await;
}

#[tokio::test]
async fn what_is_no_season_is_refused_by_its_fields() {
    let scratch = Scratch::new().await;
    let noon = SeasonChange {
        starts_at: given::time("2026-01-01T12:00:00Z"),
        ..change("s", "2026-01-01", "2026-02-01", None)
    };
    let silent = SeasonChange { reason: "  ".to_owned(), ..change("s", "2026-01-01", "2026-02-01", None) };
    for (wrong, field) in [
        (change("S 1", "2026-01-01", "2026-02-01", None), "name"),
        (change(&"s".repeat(65), "2026-01-01", "2026-02-01", None), "name"),
        (change("s", "2026-02-01", "2026-02-01", None), "ends_at"),
        (change("s", "2026-02-01", "2027-02-03", None), "ends_at"),
        (noon, "starts_at"),
        (silent, "reason"),
    ] {
        match scratch.store.seasons.put(&wrong, now()).await {
            Err(PutSeasonError::Invalid(invalid)) => assert_eq!(invalid.0[0].path, field, "{invalid}"),
            other => panic!("{wrong:?}: {other:?}"),
        }
    }
    scratch.finish().await;
}

#[tokio::test]
async fn questions_are_asked_of_a_season_and_told_apart_by_it() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    told(&scratch, &shuffled(population(31, 80, 30), 32), 4).await;
    put(store, "winter", "2025-12-20", "2026-01-06").await;
    put(store, "spring", "2026-01-08", "2026-01-20").await;
    let insights = &store.insights;

    // Of one: its days, and of them those that are asked for.
    let spring = insights.season_days("spring", None, None).await.unwrap();
    assert_eq!(spring, Days::new(day("2026-01-08"), day("2026-01-19")).unwrap());
    let part = insights.season_days("spring", Some(day("2026-01-01")), Some(day("2026-01-09"))).await.unwrap();
    assert_eq!(part, Days::new(day("2026-01-08"), day("2026-01-09")).unwrap());
    for (season, from) in [("summer", None), ("spring", Some(day("2026-01-20")))] {
        assert!(insights.season_days(season, from, None).await.is_err(), "{season}");
    }
    // A season may be longer than a question: it says what to do.
    put(store, "long", "2026-02-01", "2026-10-01").await;
    let refused = insights.season_days("long", None, None).await.unwrap_err().to_string();
    assert!(refused.contains("92") && refused.contains("2026-02-01 to 2026-09-30"), "{refused}");
    assert!(insights.season_days("long", None, Some(day("2026-03-01"))).await.is_ok());

    // Told apart: of each, what is asked of its days alone; the seventh is in none.
    let days = Days::new(day("2026-01-02"), day("2026-01-12")).unwrap();
    let (slice, by) = (Slice { region: Some("eu".to_owned()), ..Slice::default() }, Some(Dimension::Season));
    let parts = [("winter", "2026-01-02", "2026-01-05"), ("spring", "2026-01-08", "2026-01-12")]
        .map(|(season, from, to)| (Some(season.to_owned()), Days::new(day(from), day(to)).unwrap()));
    let kinds = ["shop.opened", "shop.bought"].map(str::to_owned);
    let week = TimeDelta::days(7);
    let today = day("2026-03-01");
    macro_rules! same {
        ($name:ident, $($before:expr),*; $($after:expr),*) => {{
            let mut expected = Vec::new();
            for (season, days) in &parts {
                let mut part = insights.$name(*days, $($before,)* &slice, None $(, $after)*).await.unwrap();
                assert!(!part.is_empty(), "a test that tells nothing");
                part.iter_mut().for_each(|entry| entry.group.clone_from(season));
                expected.append(&mut part);
            }
            assert_eq!(insights.$name(days, $($before,)* &slice, by $(, $after)*).await.unwrap(), expected);
        }};
    }
    same!(active,;);
    same!(sessions,;);
    same!(retention, &[1, 3]; today);
    same!(funnel, &kinds, week;);
    same!(top_kinds,; 5);
    let asked = insights.concurrency(days.span(), Step::Day, &slice, by).await.unwrap();
    let spring: Vec<_> = asked.iter().filter(|point| point.group.as_deref() == Some("spring")).collect();
    assert_eq!((asked.len(), spring.len()), (9, 5));
    let alone = Span { from: given::time("2026-01-08T00:00:00Z"), to: given::time("2026-01-13T00:00:00Z") };
    let alone = insights.concurrency(alone, Step::Day, &slice, None).await.unwrap();
    assert!(spring.iter().zip(&alone).all(|(one, other)| (one.at, one.sessions) == (other.at, other.sessions)));
    assert!(insights.playing(now(), &slice, by).await.is_err());
    scratch.finish().await;
}
