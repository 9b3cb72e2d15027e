use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::matchmaking::{RecordedMember, RecordedOutcome, RecordedTicket};
use muster_core::rating::Rating;
use muster_store::{QualityFacts, RecordedSpan, TelemetryEvent, TelemetrySource};
use muster_testkit::Scratch;
use serde_json::{Value, json};

use crate::given;

fn ended(queue: &str, region: Option<&str>, at: DateTime<Utc>, properties: Value) -> TelemetryEvent {
    TelemetryEvent {
        source: TelemetrySource::Server,
        queue: Some(queue.to_owned()),
        region: region.map(str::to_owned),
        properties: properties.as_object().unwrap().clone(),
        ..given::event("ticket.ended", at)
    }
}

#[tokio::test]
async fn a_summary_counts_tickets_and_players_apart_by_queue_and_region() {
    let scratch = Scratch::new().await;
    let start = given::time("2026-01-31T09:00:00Z");
    let at = |secs| start + TimeDelta::seconds(secs);
    let matched = |wait_ms: u32, quality: f64| json!({ "outcome": "matched", "wait_ms": wait_ms, "quality": quality, "party_size": 2 });
    let matches: Vec<muster_core::id::MatchId> = (0..50).map(|_| muster_store::fresh_id()).collect();
    let pair = |n: i64| Some(matches[(n as usize - 1) / 2]);
    let mut events: Vec<_> = (1..=100)
        .map(|n| TelemetryEvent {
            match_id: pair(n),
            ..ended("a", Some("asia"), at(n), matched(n as u32 * 100, n as f64 / 100.0))
        })
        .collect();
    events.push(ended(
        "a",
        Some("asia"),
        at(5),
        json!({ "outcome": "expired", "reason": "max_wait", "wait_ms": 600_000, "party_size": 1 }),
    ));
    for _ in 0..2 {
        events.push(ended("a", None, at(6), json!({ "outcome": "cancelled", "reason": "player", "party_size": 3 })));
    }
    events.push(ended("b", None, at(7), json!({ "outcome": 7, "wait_ms": "x", "party_size": null })));
    // Not in the span; not by the platform; not of a queue.
    events.push(ended("a", None, at(-1), matched(1, 0.0)));
    events.push(ended("a", None, at(200), matched(1, 0.0)));
    events.push(TelemetryEvent { source: TelemetrySource::Client, ..ended("a", None, at(1), matched(1, 0.0)) });
    events.push(TelemetryEvent { queue: None, ..ended("a", None, at(1), matched(1, 0.0)) });
    scratch.store.telemetry.write_batch(&events).await.unwrap();

    let facts = scratch.store.queue_facts.summary(None, start, at(200)).await.unwrap();
    let places: Vec<_> = facts.iter().map(|facts| (facts.queue.as_str(), facts.region.as_deref())).collect();
    assert_eq!(places, [("a", None), ("a", Some("asia")), ("b", None)]);
    let asia = &facts[1];
    assert_eq!((asia.tickets, asia.players, asia.matched), (101, 201, 100));
    // Who expired after ten minutes had come before the span.
    assert_eq!((asia.arrived, asia.matches), (100, 50));
    let ways = BTreeMap::from([("matched".to_owned(), 100), ("expired:max_wait".to_owned(), 1)]);
    assert_eq!(asia.by_outcome_reason, ways);
    let waits = asia.wait_ms.unwrap();
    assert!(
        (waits.p50 - 5_050.0).abs() < 1.0 && (waits.p95 - 9_505.0).abs() < 1.0 && (waits.p99 - 9_901.0).abs() < 1.0
    );
    let QualityFacts { mean, p10 } = asia.quality.unwrap();
    assert!((mean - 0.505).abs() < 1e-9 && (p10 - 0.109).abs() < 1e-9, "{mean} {p10}");
    assert_eq!((facts[0].tickets, facts[0].players, facts[0].matched), (2, 6, 0));
    assert_eq!((facts[0].wait_ms, facts[0].quality), (None, None));

    let only_b = scratch.store.queue_facts.summary(Some("b"), start, at(200)).await.unwrap();
    assert_eq!(only_b, facts[2..]);
    assert!(scratch.store.queue_facts.summary(Some("c"), start, at(200)).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn recorded_tickets_come_back_as_they_were() {
    let scratch = Scratch::new().await;
    let start = given::time("2026-01-31T09:00:00Z");
    let ticket = |n: i64| RecordedTicket {
        enqueued_at: start + TimeDelta::seconds(100 - n),
        left_at: None,
        members: vec![RecordedMember { rating: Rating::default(), roles: vec!["tank".to_owned()] }],
        latencies_ms: BTreeMap::from([("asia".to_owned(), 30)]),
        properties: BTreeMap::new(),
        outcome: RecordedOutcome { matched: true, wait_ms: 1_200, quality: Some(0.5) },
    };
    let event = |n: i64| {
        let properties = json!({ "outcome": "matched", "recorded": serde_json::to_value(ticket(n)).unwrap() });
        ended("a", None, start + TimeDelta::seconds(n), properties)
    };
    let mut events: Vec<_> = (0..5).map(event).collect();
    events.push(ended("a", None, start, json!({ "outcome": "matched", "recorded": { "of": "another version" } })));
    events.push(ended("a", None, start, json!({ "outcome": "matched" })));
    events.push(ended("b", None, start, json!({ "recorded": serde_json::to_value(ticket(9)).unwrap() })));
    scratch.store.telemetry.write_batch(&events).await.unwrap();

    let facts = &scratch.store.queue_facts;
    let end = start + TimeDelta::minutes(1);
    let all = facts.recorded("a", start, end, 1_000).await.unwrap();
    let tickets = [4, 3, 2, 1, 0].map(ticket).to_vec();
    assert_eq!(all, RecordedSpan { tickets, found: 7, unreadable: 2 });
    assert!(!all.is_cut());
    let nothing = facts.recorded("c", start, end, 1_000).await.unwrap();
    assert_eq!(nothing, RecordedSpan { tickets: Vec::new(), found: 0, unreadable: 0 });
    assert!(!nothing.is_cut());

    // Of too many, those that ended last, still in the order in which they came.
    let newest = |limit| facts.recorded("a", start + TimeDelta::seconds(1), end, limit);
    let two = RecordedSpan { tickets: vec![ticket(4), ticket(3)], found: 4, unreadable: 0 };
    assert_eq!(newest(2).await.unwrap(), two);
    assert!(two.is_cut());
    assert!(!newest(4).await.unwrap().is_cut());
    assert_eq!(newest(0).await.unwrap(), newest(1).await.unwrap());
    assert_eq!(newest(1).await.unwrap().tickets, [ticket(4)]);

    // What cannot be read counts as asked for.
    let unread = facts.recorded("a", start, end, 6).await.unwrap();
    assert_eq!((unread.tickets.len() as u64 + unread.unreadable, unread.found, unread.is_cut()), (6, 7, true));
    scratch.finish().await;
}
