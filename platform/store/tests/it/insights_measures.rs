//! The question of measures, answered a second time here from the events themselves.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use muster_store::{Days, Measure, MeasureDimension, MeasureFacts, Step, TelemetryEvent, TelemetrySource};
use muster_testkit::Scratch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::given;
use crate::insights_given::{day, shuffled};
use crate::seasons;
use crate::telemetry_rollups::measure;

const SOURCES: [TelemetrySource; 2] = [TelemetrySource::Client, TelemetrySource::Trusted];

fn event(kind: &str, at: DateTime<Utc>, source: TelemetrySource, properties: &Value) -> TelemetryEvent {
    TelemetryEvent { source, properties: properties.as_object().unwrap().clone(), ..given::event(kind, at) }
}

/// Events over four days whose numbers are of any size, sixteenths, so that doubles add up exactly; some have none.
fn events() -> Vec<TelemetryEvent> {
    let mut random = StdRng::seed_from_u64(81);
    let start = given::time("2026-01-30T00:00:00Z");
    let mut all: Vec<_> = (0..3_000_i64)
        .map(|n| {
            let size: f64 = 10_f64.powf(random.random_range(-1.0..6.0));
            let number = (size * 16.0).round() / 16.0 * if random.random_bool(0.2) { -1.0 } else { 1.0 };
            let odd = [json!("12"), json!(null), json!([1]), json!(0)];
            let took = if n % 11 == 0 { odd[random.random_range(0..4_usize)].clone() } else { json!(number) };
            let at = start + TimeDelta::milliseconds(random.random_range(0..4 * 86_400_000));
            let kind = if n % 5 == 0 { "level.lost" } else { "level.done" };
            event(kind, at, SOURCES[random.random_range(0..2_usize)], &json!({ "took_ms": took, "score": n }))
        })
        .collect();
    // A day of which nothing is told, but of another kind.
    all.retain(|event| event.kind == "level.lost" || event.at.date_naive() != day("2026-02-01"));
    all
}

/// What the numbers of these events are like.
fn compare(told: &MeasureFacts, events: &[&TelemetryEvent]) {
    let mut numbers: Vec<f64> = events.iter().filter_map(|event| event.properties["took_ms"].as_f64()).collect();
    numbers.sort_by(f64::total_cmp);
    assert_eq!(told.samples, numbers.len() as u64);
    let sum: f64 = numbers.iter().sum();
    assert_eq!(told.sum, sum);
    assert_eq!((told.min, told.max), (numbers.first().copied(), numbers.last().copied()));
    let (Some(mean), false) = (told.mean, numbers.is_empty()) else {
        assert!(told.mean.is_none() && numbers.is_empty() && told.p50.is_none() && told.p99.is_none());
        return;
    };
    assert!((mean - sum / numbers.len() as f64).abs() <= mean.abs() * 1e-12, "{mean}");
    for (told, share) in [(told.p50, 0.5), (told.p95, 0.95), (told.p99, 0.99)] {
        let exact = numbers[((numbers.len() as f64 * share).ceil() as usize).max(1) - 1];
        let told = told.unwrap();
        assert!((told - exact).abs() <= (exact.abs() * 0.01).max(0.001), "{share}: {told} is not {exact}");
    }
}

#[tokio::test]
async fn measures_are_what_the_events_said() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms", "score"]).await;
    measure(&scratch, "level.lost", &["took_ms"]).await;
    let events = shuffled(events(), 82);
    // As a writer takes them; what comes twice counts once.
    for batch in events.chunks(700).chain([&events[100..400]]) {
        scratch.store.telemetry.write_batch(batch).await.unwrap();
    }
    let days = Days::new(day("2026-01-31"), day("2026-02-02")).unwrap();
    let (from, to) = (days.span().from, days.span().to);
    let of = |fits: &dyn Fn(&TelemetryEvent) -> bool| -> Vec<&TelemetryEvent> {
        let asked = |event: &&TelemetryEvent| event.kind == "level.done" && event.at >= from && event.at < to;
        events.iter().filter(asked).filter(|event| fits(event)).collect()
    };
    let insights = &scratch.store.insights;
    let asked = |source| Measure { kind: "level.done".to_owned(), name: "took_ms".to_owned(), source };
    for (step, length) in [(Step::Hour, TimeDelta::hours(1)), (Step::Day, TimeDelta::days(1))] {
        let told = insights.measures(days, &asked(None), step, None).await.unwrap();
        assert_eq!((told.len(), &told[0].group), (1, &None));
        compare(&told[0].whole, &of(&|_| true));
        let mut steps: BTreeMap<DateTime<Utc>, Vec<&TelemetryEvent>> = BTreeMap::new();
        for event in of(&|event| event.properties["took_ms"].is_number()) {
            steps.entry(event.at.duration_trunc(length).unwrap()).or_default().push(event);
        }
        assert_eq!(told[0].points.len(), steps.len());
        for ((at, facts), (expected, events)) in told[0].points.iter().zip(&steps) {
            assert_eq!(at, expected);
            compare(facts, events);
        }
    }
    let told = insights.measures(days, &asked(None), Step::Day, Some(MeasureDimension::Source)).await.unwrap();
    let groups: Vec<_> = told.iter().map(|series| series.group.as_deref().unwrap()).collect();
    assert_eq!(groups, ["client", "trusted"]);
    for (series, source) in told.iter().zip(SOURCES) {
        compare(&series.whole, &of(&|event| event.source == source));
        let alone = insights.measures(days, &asked(Some(source)), Step::Day, None).await.unwrap();
        assert_eq!((&alone[0].whole, &alone[0].points), (&series.whole, &series.points));
    }
    // What nobody has measured is nothing, and no error.
    for (kind, name) in [("level.lost", "score"), ("level.never", "took_ms")] {
        let nothing = Measure { kind: kind.to_owned(), name: name.to_owned(), source: None };
        let told = insights.measures(days, &nothing, Step::Day, None).await.unwrap();
        assert_eq!((&told[0].whole, told[0].points.len()), (&MeasureFacts::default(), 0));
        let told = insights.measures(days, &nothing, Step::Day, Some(MeasureDimension::Source)).await.unwrap();
        assert!(told.is_empty());
    }
    scratch.finish().await;
}

#[tokio::test]
async fn measures_know_how_far_they_reach() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms"]).await;
    let asked = Measure { kind: "level.done".to_owned(), name: "took_ms".to_owned(), source: None };
    let insights = &scratch.store.insights;
    let days = |to: &str| Days::new(day("2026-01-01"), day(to)).unwrap();
    let ask = async |to: &str, step| insights.measures(days(to), &asked, step, None).await;
    let refused = ask("2026-01-01", Step::Minute).await.unwrap_err().to_string();
    assert!(refused.contains("hour or the day"), "{refused}");
    let refused = ask("2026-01-15", Step::Hour).await.unwrap_err().to_string();
    assert!(refused.contains("14 days"), "{refused}");
    assert!(ask("2026-01-14", Step::Hour).await.is_ok());

    // The ends of what a number can be: sums of them are told as the largest that can be.
    let at = given::time("2026-01-01T10:00:00Z");
    for number in [json!(f64::MAX), json!(f64::MAX), json!(5e-324), json!(-0.0), json!(u64::MAX)] {
        let event = event("level.done", at, SOURCES[0], &json!({ "took_ms": number }));
        scratch.store.telemetry.write_batch(&[event]).await.unwrap();
    }
    let told = ask("2026-01-01", Step::Day).await.unwrap().remove(0).whole;
    assert_eq!((told.samples, told.sum, told.min, told.max), (5, f64::MAX, Some(0.0), Some(f64::MAX)));
    let mean = told.mean.unwrap();
    assert!((mean / (f64::MAX / 5.0 * 2.0) - 1.0).abs() < 1e-9, "{mean}");
    let p50 = told.p50.unwrap();
    assert!((p50 / u64::MAX as f64 - 1.0).abs() <= 0.01, "{p50}");
    scratch.finish().await;
}

#[tokio::test]
async fn measures_are_told_apart_by_season() {
    let scratch = Scratch::new().await;
    measure(&scratch, "level.done", &["took_ms"]).await;
    let at = |day: i64| given::time("2026-01-01T12:00:00Z") + TimeDelta::days(day);
    let events: Vec<_> =
        (0..6).map(|n| event("level.done", at(n), SOURCES[0], &json!({ "took_ms": 1 << n }))).collect();
    scratch.store.telemetry.write_batch(&events).await.unwrap();
    seasons::put(&scratch.store, "first", "2026-01-01", "2026-01-03").await;
    seasons::put(&scratch.store, "second", "2026-01-04", "2026-01-09").await;
    let asked = Measure { kind: "level.done".to_owned(), name: "took_ms".to_owned(), source: None };
    let days = Days::new(day("2026-01-01"), day("2026-01-05")).unwrap();
    let told = scratch.store.insights.measures(days, &asked, Step::Day, Some(MeasureDimension::Season)).await.unwrap();
    let sums: Vec<_> = told.iter().map(|series| (series.group.as_deref().unwrap(), series.whole.sum)).collect();
    assert_eq!(sums, [("first", 3.0), ("second", 24.0)]);
    scratch.finish().await;
}
