//! Questions about players, each answered a second time here from the events themselves.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use muster_core::id::SubjectId;
use muster_store::{Days, Dimension, SeenEvent, Slice, TelemetryEvent};
use muster_testkit::Scratch;

use crate::insights_given::{REGIONS, Subjects, day, first_day, population, seen_by_day, shuffled, told};

const DAYS: i64 = 45;

fn slice(region: Option<&str>, platform: Option<&str>) -> Slice {
    Slice { region: region.map(str::to_owned), platform: platform.map(str::to_owned), build: None }
}

fn within(days: &BTreeMap<NaiveDate, Subjects>, last: NaiveDate, count: i64) -> u64 {
    let first = last - TimeDelta::days(count - 1);
    days.range(first..=last).flat_map(|(_, subjects)| subjects).collect::<BTreeSet<_>>().len() as u64
}

#[tokio::test]
async fn active_players_are_distinct_by_day_week_and_month() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(1, 150, DAYS), 2);
    told(&scratch, &events, 3).await;
    let days = Days::new(day("2026-01-20"), day("2026-02-16")).unwrap();
    for (asked, fits) in
        [(slice(None, None), None), (slice(Some("eu"), None), Some("eu")), (slice(Some("mars"), None), Some("mars"))]
    {
        let seen = seen_by_day(&events, |event| fits.is_none() || event.region.as_deref() == fits);
        let points = scratch.store.insights.active(days, &asked, None).await.unwrap();
        assert_eq!(points.len(), days.count());
        for point in points {
            let expected = [1, 7, 30].map(|count| within(&seen, point.day, count));
            assert_eq!([point.daily, point.weekly, point.monthly], expected, "{asked:?} {}", point.day);
            let stickiness = if expected[2] == 0 { 0.0 } else { expected[0] as f64 / expected[2] as f64 };
            assert!((point.stickiness - stickiness).abs() < 1e-12);
        }
    }
    // Told apart by region, each is what its slice is.
    let by_region =
        scratch.store.insights.active(days, &slice(None, Some("pc")), Some(Dimension::Region)).await.unwrap();
    assert_eq!(by_region.len(), REGIONS.len() * days.count());
    for point in by_region {
        let seen = seen_by_day(&events, |event| event.region == point.group && event.platform.as_deref() == Some("pc"));
        assert_eq!((point.daily, point.monthly), (within(&seen, point.day, 1), within(&seen, point.day, 30)));
    }
    scratch.finish().await;
}

#[tokio::test]
async fn packing_changes_no_answer_and_late_events_are_in_it() {
    let scratch = Scratch::new().await;
    let insights = &scratch.store.insights;
    let events = population(4, 60, 10);
    let (early, late) = events.split_at(events.len() * 2 / 3);
    told(&scratch, early, 5).await;
    assert!(insights.pack(day("2026-03-01")).await.unwrap() > 0);
    assert_eq!(insights.pack(day("2026-03-01")).await.unwrap(), 0);
    let seen: Vec<SeenEvent<'_>> = late.iter().map(SeenEvent::from).collect();
    insights.backfill(&seen).await.unwrap();
    insights.fold_all().await.unwrap();
    let days = Days::new(first_day(), day("2026-01-12")).unwrap();
    let kinds = ["level.up".to_owned(), "shop.opened".to_owned()];
    let ask = async || {
        let active = insights.active(days, &Slice::default(), None).await.unwrap();
        let funnel = insights.funnel(days, &kinds, TimeDelta::days(3), &Slice::default(), None).await.unwrap();
        (active, funnel)
    };
    let before = ask().await;
    assert_eq!(
        before.0[9].monthly,
        seen_by_day(&events, |_| true).values().flatten().collect::<BTreeSet<_>>().len() as u64
    );
    assert!(insights.pack(day("2026-03-01")).await.unwrap() > 0);
    assert_eq!(ask().await, before);
    scratch.finish().await;
}

#[tokio::test]
async fn of_a_day_that_is_not_over_what_is_much_is_packed() {
    let scratch = Scratch::new().await;
    let insights = &scratch.store.insights;
    let players: Vec<SubjectId> = (0..5_000_u128).map(|n| SubjectId::from_uuid(uuid::Uuid::from_u128(n + 1))).collect();
    let at = crate::given::time("2026-01-05T10:00:00Z");
    let come = async |players: &[SubjectId], at| {
        let event =
            |subject: &SubjectId| TelemetryEvent { subject_id: Some(*subject), ..crate::given::event("level.up", at) };
        let events: Vec<TelemetryEvent> = players.iter().map(event).collect();
        insights.backfill(&events.iter().map(SeenEvent::from).collect::<Vec<_>>()).await.unwrap();
        insights.fold_all().await.unwrap();
    };
    let (today, days) = (day("2026-01-05"), Days::new(day("2026-01-05"), day("2026-01-05")).unwrap());
    let daily = async || insights.active(days, &Slice::default(), None).await.unwrap()[0].daily;
    come(&players[..4_000], at).await;
    assert_eq!((insights.pack(today).await.unwrap(), daily().await), (0, 4_000));
    // Each is of their kind and of any, which are packed each for itself.
    come(&players[4_000..], at).await;
    assert_eq!((insights.pack(today).await.unwrap(), daily().await), (10_000, 5_000));
    // Who comes again is loose again, and counts once.
    come(&players[..100], at + TimeDelta::hours(1)).await;
    assert_eq!((insights.pack(today).await.unwrap(), daily().await), (0, 5_000));
    assert_eq!((insights.pack(day("2026-01-06")).await.unwrap(), daily().await), (200, 5_000));
    scratch.finish().await;
}

#[tokio::test]
async fn retention_follows_those_who_came_first_on_a_day() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(6, 200, 30), 7);
    told(&scratch, &events, 8).await;
    let days = Days::new(first_day(), day("2026-01-30")).unwrap();
    let today = day("2026-01-30");
    let seen = seen_by_day(&events, |_| true);
    let mut first: BTreeMap<SubjectId, NaiveDate> = BTreeMap::new();
    for (day, subjects) in &seen {
        subjects.iter().for_each(|subject| _ = first.entry(*subject).or_insert(*day));
    }
    for region in [None, Some("asia")] {
        let at_home = seen_by_day(&events, |event| region.is_none() || event.region.as_deref() == region);
        let cohorts =
            scratch.store.insights.retention(days, &[7, 1, 1], &slice(region, None), None, today).await.unwrap();
        assert_eq!(cohorts.len(), 30);
        for cohort in cohorts {
            let nobody = Subjects::new();
            let here = at_home.get(&cohort.day).unwrap_or(&nobody);
            let new: Vec<&SubjectId> = here.iter().filter(|subject| first[*subject] == cohort.day).collect();
            assert_eq!(cohort.players, new.len() as u64, "{region:?} {}", cohort.day);
            let back = |n: i64| {
                let then = cohort.day + TimeDelta::days(n);
                let came = |subject: &&&SubjectId| seen.get(&then).is_some_and(|day| day.contains(**subject));
                (then < today).then(|| new.iter().filter(came).count() as u64)
            };
            assert_eq!(cohort.returned, [(1, back(1)), (7, back(7))], "{region:?} {}", cohort.day);
        }
    }
    // Told apart by region, each is what its slice is.
    let ask =
        async |slice: Slice, by| scratch.store.insights.retention(days, &[1, 7], &slice, by, today).await.unwrap();
    let by_region = ask(slice(None, Some("pc")), Some(Dimension::Region)).await;
    assert_eq!(by_region.len(), REGIONS.len() * 30);
    for region in REGIONS {
        let mut alone = ask(slice(Some(region), Some("pc")), None).await;
        assert!(alone.iter().any(|cohort| cohort.returned[0].1.is_some_and(|came| came > 0)));
        alone.iter_mut().for_each(|cohort| cohort.group = Some(region.to_owned()));
        assert!(by_region.iter().filter(|cohort| cohort.group.as_deref() == Some(region)).eq(&alone), "{region}");
    }
    for wrong in [&[][..], &[0], &[91]] {
        assert!(scratch.store.insights.retention(days, wrong, &Slice::default(), None, today).await.is_err());
    }
    scratch.finish().await;
}

#[tokio::test]
async fn churn_counts_only_what_is_known_to_be_over() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(9, 150, 40), 10);
    told(&scratch, &events, 11).await;
    let (from, to, horizon) = (day("2026-01-03"), day("2026-02-08"), 5);
    let points = scratch.store.insights.churn(Days::new(from, to).unwrap(), horizon, &Slice::default()).await.unwrap();
    let seen = seen_by_day(&events, |_| true);
    let mut players: BTreeMap<SubjectId, Vec<NaiveDate>> = BTreeMap::new();
    for (day, subjects) in seen.range(from..=to) {
        subjects.iter().for_each(|subject| players.entry(*subject).or_default().push(*day));
    }
    assert_eq!(points.len(), 31);
    for point in points {
        let (away, horizon) = (TimeDelta::days(point.days_away.into()), TimeDelta::days(horizon.into()));
        let (mut times, mut gone) = (0, 0);
        for days in players.values() {
            for (place, day) in days.iter().enumerate() {
                let next = days.get(place + 1);
                let over = *day + away + horizon <= to;
                if over && next.is_none_or(|next| *next > *day + away) {
                    times += 1;
                    gone += u64::from(next.is_none_or(|next| *next > *day + away + horizon));
                }
            }
        }
        assert_eq!((point.times, point.gone), (times, gone), "{} days away", point.days_away);
        let now = players.values().filter(|days| *days.last().unwrap() + away == to).count();
        assert_eq!(point.players_now, now as u64);
    }
    scratch.finish().await;
}

/// Of a player's events of a kind on a day, the first and the last, in milliseconds.
fn known_times(events: &[TelemetryEvent], kind: &str, subject: SubjectId) -> Vec<i64> {
    let mut days: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == kind && event.subject_id == Some(subject)) {
        days.entry(event.at.date_naive()).or_default().push(event.at.timestamp_millis());
    }
    days.values().flat_map(|times| [*times.iter().min().unwrap(), *times.iter().max().unwrap()]).collect()
}

#[tokio::test]
async fn a_funnel_follows_players_through_its_steps() {
    let scratch = Scratch::new().await;
    let events = shuffled(population(12, 120, 14), 13);
    told(&scratch, &events, 14).await;
    let days = Days::new(day("2026-01-02"), day("2026-01-12")).unwrap();
    let kinds = ["shop.opened", "shop.bought", "tutorial.done"].map(str::to_owned);
    let subjects: Subjects = events.iter().filter_map(|event| event.subject_id).collect();
    for (within, platform) in
        [(TimeDelta::days(11), None), (TimeDelta::hours(4), None), (TimeDelta::days(2), Some("pc"))]
    {
        let span = days.span();
        let asked: Vec<TelemetryEvent> = events
            .iter()
            .filter(|event| event.at >= span.from && event.at < span.to)
            .filter(|event| platform.is_none() || event.platform.as_deref() == platform)
            .cloned()
            .collect();
        let mut expected = [0_u64; 3];
        for subject in &subjects {
            let times = kinds.each_ref().map(|kind| known_times(&asked, kind, *subject));
            // From every beginning, always to the next that fits.
            let ways = times[0].iter().map(|begun| {
                let mut since = *begun;
                let steps = times.iter().take_while(|times| {
                    let next = times.iter().filter(|at| **at >= since).min();
                    since = next.copied().unwrap_or(since);
                    next.is_some_and(|at| at - begun <= within.num_milliseconds())
                });
                steps.count()
            });
            let furthest = ways.max().unwrap_or_default();
            expected[..furthest].iter_mut().for_each(|players| *players += 1);
        }
        let steps = scratch.store.insights.funnel(days, &kinds, within, &slice(None, platform), None).await.unwrap();
        let players: Vec<u64> = steps.iter().map(|step| step.players).collect();
        assert_eq!(players, expected, "{within} {platform:?}");
        assert!(expected[1] > 0 && expected[1] < expected[0], "a test that tells nothing: {expected:?}");
        assert!((steps[2].of_first - expected[2] as f64 / expected[0] as f64).abs() < 1e-12);
    }
    let insights = &scratch.store.insights;
    for wrong in [&kinds[..1], &[kinds[0].clone(), kinds[0].clone()][..]] {
        assert!(insights.funnel(days, wrong, TimeDelta::days(1), &Slice::default(), None).await.is_err());
    }
    let nobody = ["shop.opened".to_owned(), "no.such.kind".to_owned()];
    let steps = insights.funnel(days, &nobody, TimeDelta::days(1), &Slice::default(), None).await.unwrap();
    assert!(steps[0].players > 0 && steps[1].players == 0 && steps[1].median_ms.is_none());
    scratch.finish().await;
}

#[tokio::test]
async fn who_is_forgotten_stays_counted_and_leads_nowhere() {
    let scratch = Scratch::new().await;
    let events = population(15, 20, 5);
    told(&scratch, &events, 16).await;
    let insights = &scratch.store.insights;
    let days = Days::new(first_day(), day("2026-01-05")).unwrap();
    let before = insights.active(days, &Slice::default(), None).await.unwrap();
    let subject = events[0].subject_id.unwrap();
    let session = events[0].session_id.unwrap();
    // An event that waits to be folded is reached too.
    insights.backfill(&[SeenEvent::from(&events[0])]).await.unwrap();
    assert!(insights.forget(subject).await.unwrap() > 0);
    assert_eq!(insights.forget(subject).await.unwrap(), 0);
    assert_eq!(insights.active(days, &Slice::default(), None).await.unwrap(), before);
    let sql = scratch.sql().await;
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM insights.players WHERE subject_id = $1)
              + (SELECT count(*) FROM insights.sessions WHERE session_id = $2) + (SELECT count(*) FROM insights.pending)",
    )
    .bind(subject.uuid())
    .bind(session.uuid())
    .fetch_one(&sql)
    .await
    .unwrap();
    assert_eq!(left, 0);
    scratch.finish().await;
}
