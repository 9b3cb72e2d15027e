//! How fast one writer is. A measurement, no test: a release build, and nothing else on the machine.
//!
//! ```text
//! cargo test --release -p muster-store --test it telemetry_speed -- --ignored --nocapture
//! ```
#![allow(clippy::print_stdout, reason = "a measurement says what it measured")]

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use muster_store::{Stored, TelemetryEvent, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::json;

use crate::given;

const EVENTS: usize = 400_000;
/// As the writer role has it by default.
const BATCH: usize = 5_000;

/// About 510 bytes as it travels.
fn event(n: usize) -> TelemetryEvent {
    let properties = json!({
        "level": n % 100,
        "text": "x".repeat(150),
        "wait_ms": n % 9_973,
        "where": { "x": n as f64 / 7.0, "y": n as f64 / 3.0 },
        "item": format!("sword_of_{}", n % 997),
    });
    TelemetryEvent {
        subject_id: Some(fresh_id()),
        session_id: Some(fresh_id()),
        properties: properties.as_object().unwrap().clone(),
        ..given::event("level.up", now() - TimeDelta::milliseconds((n % 60_000) as i64))
    }
}

/// Processor seconds of this process, and of those whose name begins so, with what their ended children used.
fn cpu(name: &str) -> f64 {
    let ticks = |stat: &str| -> Option<u64> {
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        head.split_once('(')?.1.starts_with(name).then_some(())?;
        Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.filter_map(|stat| ticks(&stat)).sum::<u64>() as f64 / 100.0
}

fn told(what: &str, took: Duration) {
    println!("{what}: {:.0} events/s", EVENTS as f64 / took.as_secs_f64());
}

#[tokio::test]
#[ignore = "a measurement: see the head of the file"]
async fn one_writer_stores() {
    let scratch = Scratch::new().await;
    let telemetry = &scratch.store.telemetry;
    let all = || ["it-", "postgres", "nats-server"].map(cpu);
    let mut consumer = telemetry.consumer().await.unwrap();
    let events: Vec<_> = (0..EVENTS).map(event).collect();
    println!("{} bytes an event", serde_json::to_vec(&events[0]).unwrap().len());

    let (mut publishing, mut storing) = (Duration::ZERO, Duration::ZERO);
    let mut stored = Stored::default();
    let before = all();
    // By turns, so that the stream never holds more than a test may.
    for part in events.chunks(EVENTS / 8) {
        let began = Instant::now();
        for call in part.chunks(500) {
            telemetry.publish_all(call).await.into_iter().for_each(Result::unwrap);
        }
        publishing += began.elapsed();
        let began = Instant::now();
        let until = stored.new + part.len() as u64;
        while stored.new < until {
            let batch = consumer.next_batch(BATCH, Duration::from_millis(250)).await.unwrap();
            stored.new += telemetry.store(batch).await.unwrap().new;
        }
        storing += began.elapsed();
    }
    assert_eq!(stored.new, EVENTS as u64);
    told("published, one call of 500 after the other", publishing);
    told("stored by one writer", storing);
    told("both, one after the other", publishing + storing);
    let micros: Vec<f64> =
        all().iter().zip(before).map(|(after, before)| (after - before) * 1e6 / EVENTS as f64).collect();
    println!("CPU of both an event: own {:.1} µs, PostgreSQL {:.1} µs, NATS {:.1} µs", micros[0], micros[1], micros[2]);
    scratch.finish().await;
}
