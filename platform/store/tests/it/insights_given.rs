//! A few hundred players and what they do, by chance; and what a test may ask of their events without any database.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use muster_core::game::Mode;
use muster_core::id::{EventId, SessionId, SubjectId};
use muster_store::{SeenEvent, TelemetryEvent, TelemetrySource, fresh_id};
use muster_testkit::Scratch;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::given;

pub const REGIONS: [&str; 3] = ["asia", "eu", "us"];
const PLATFORMS: [&str; 2] = ["console", "pc"];
const BUILDS: [&str; 3] = ["1.0", "1.1", "1.2"];

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn first_day() -> NaiveDate {
    day("2026-01-01")
}

/// A UUID whose version is 7 and whose time is that moment.
fn session_id(at: DateTime<Utc>, random: &mut StdRng) -> SessionId {
    SessionId::new(at, random.random())
}

/// What `players` players did in `days` days from [`first_day`] on; the same for the same seed.
pub fn population(seed: u64, players: usize, days: i64) -> Vec<TelemetryEvent> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut events = Vec::new();
    for _ in 0..players {
        let subject = SubjectId::from_uuid(Uuid::from_u128(random.random()));
        let home = random.random_range(0..3);
        let eager: f64 = random.random_range(0.05..0.9);
        let joined = random.random_range(0..days);
        for day in joined..days {
            if day > joined && !random.random_bool(eager) {
                continue;
            }
            for _ in 0..random.random_range(1..=2) {
                // Some travel, and some have two devices.
                let region = REGIONS[if random.random_bool(0.1) { random.random_range(0..3) } else { home }];
                let platform = PLATFORMS[usize::from(random.random_bool(0.3))];
                let build = BUILDS[usize::try_from(day * 3 / days).unwrap()];
                let begin = given::time("2026-01-01T00:00:00Z")
                    + TimeDelta::days(day)
                    + TimeDelta::milliseconds(random.random_range(0..86_400_000));
                let id = session_id(begin, &mut random);
                let mut at = begin;
                for _ in 0..random.random_range(1..=9) {
                    let kinds =
                        ["level.up", "shop.opened", "shop.bought", "net.disconnected", "client.error", "tutorial.done"];
                    let kind = kinds[random.random_range(0..kinds.len()).min(random.random_range(0..kinds.len()))];
                    events.push(TelemetryEvent {
                        event_id: EventId::from_uuid(Uuid::from_u128(random.random())),
                        subject_id: Some(subject),
                        session_id: Some(id),
                        region: Some(region.to_owned()),
                        platform: Some(platform.to_owned()),
                        build: Some(build.to_owned()),
                        ..given::event(kind, at)
                    });
                    at += TimeDelta::milliseconds(random.random_range(1..1_200_000));
                }
            }
        }
    }
    events
}

/// What the platform says of a ticket's end.
pub fn ticket_ended(queue: &str, region: &str, at: DateTime<Utc>, properties: Value) -> TelemetryEvent {
    server("ticket.ended", queue, at, properties, Some(region))
}

/// What the platform says of the end of a built-in match, to both seats.
pub fn match_ended(
    mode: Mode,
    queue: &str,
    at: DateTime<Utc>,
    outcome: &str,
    first: bool,
    ms: i64,
) -> Vec<TelemetryEvent> {
    let match_id = fresh_id();
    let seat = |seat: &str, won: bool| TelemetryEvent {
        match_id: Some(match_id),
        mode: Some(mode),
        ..server(
            "match.ended",
            queue,
            at,
            json!({ "seat": seat, "outcome": outcome, "won": won && outcome != "abandoned", "duration_ms": ms }),
            None,
        )
    };
    vec![seat("second", !first), seat("first", first)]
}

fn server(kind: &str, queue: &str, at: DateTime<Utc>, properties: Value, region: Option<&str>) -> TelemetryEvent {
    TelemetryEvent {
        source: TelemetrySource::Server,
        queue: Some(queue.to_owned()),
        region: region.map(str::to_owned),
        properties: properties.as_object().unwrap().clone(),
        ..given::event(kind, at)
    }
}

/// Leaves events to be folded, in batches of any size, and folds and packs them in between, as a platform would.
pub async fn told(scratch: &Scratch, events: &[TelemetryEvent], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let insights = &scratch.store.insights;
    let mut rest = events;
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(random.random_range(1..=2_000).min(rest.len()));
        let seen: Vec<SeenEvent<'_>> = batch.iter().map(SeenEvent::from).collect();
        insights.backfill(&seen).await.unwrap();
        if random.random_bool(0.4) {
            insights.fold_all().await.unwrap();
        }
        if random.random_bool(0.2) {
            insights.pack(first_day() + TimeDelta::days(random.random_range(0..40))).await.unwrap();
        }
        rest = later;
    }
    insights.fold_all().await.unwrap();
}

pub fn shuffled(mut events: Vec<TelemetryEvent>, seed: u64) -> Vec<TelemetryEvent> {
    let mut random = StdRng::seed_from_u64(seed);
    for last in (1..events.len()).rev() {
        events.swap(last, random.random_range(0..=last));
    }
    events
}

pub type Subjects = BTreeSet<SubjectId>;

/// Who had an event that fits, by day.
pub fn seen_by_day(events: &[TelemetryEvent], fits: impl Fn(&TelemetryEvent) -> bool) -> BTreeMap<NaiveDate, Subjects> {
    let mut days: BTreeMap<NaiveDate, Subjects> = BTreeMap::new();
    for event in events.iter().filter(|event| fits(event)) {
        if let Some(subject) = event.subject_id {
            days.entry(event.at.date_naive()).or_default().insert(subject);
        }
    }
    days
}
