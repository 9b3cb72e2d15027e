//! The parser of bodies against somebody who means harm, for as long as it is told to: `cargo xtask fuzz ingest`.
//!
//! Body n of a seed is always the same, so a finding is two numbers, and anybody can have it again.

mod make;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;

use super::tests::{Borne, bears};

/// How long one body may take: those that take this long are too long to be an accident of the machine.
const SLOW: Duration = Duration::from_secs(2);

/// How often it says how far it is.
const TELL: Duration = Duration::from_secs(30);

/// Bodies between two looks at the clock.
const AT_ONCE: u64 = 256;

#[derive(Default)]
struct Counts {
    bodies: AtomicU64,
    taken_apart: AtomicU64,
    read: AtomicU64,
    invalid: AtomicU64,
    slowest_us: AtomicU64,
}

impl Counts {
    fn add(&self, borne: Borne, took: Duration) {
        self.bodies.fetch_add(1, Relaxed);
        self.taken_apart.fetch_add(borne.taken_apart.into(), Relaxed);
        self.read.fetch_add(borne.read, Relaxed);
        self.invalid.fetch_add(borne.invalid, Relaxed);
        self.slowest_us.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn line(&self, seed: u64, took: Duration) -> String {
        let bodies = self.bodies.load(Relaxed);
        json!({
            "seed": seed,
            "seconds": took.as_secs_f64().round(),
            "bodies": bodies,
            "bodies_per_s": (bodies as f64 / took.as_secs_f64()).round(),
            "bodies_taken_apart": self.taken_apart.load(Relaxed),
            "events_read": self.read.load(Relaxed),
            "events_invalid": self.invalid.load(Relaxed),
            "slowest_ms": self.slowest_us.load(Relaxed) as f64 / 1e3,
        })
        .to_string()
    }
}

fn told(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn some_bodies_are_borne_and_most_of_them_are_understood() {
    let counts = Counts::default();
    (0..3_000).for_each(|body| meet(7, body, &counts));
    // A fuzzer whose bodies all fail at the door shows nothing.
    assert!(counts.taken_apart.load(Relaxed) > 1_200, "{}", counts.line(7, Duration::from_secs(1)));
    assert!(counts.read.load(Relaxed) > 1_500 && counts.invalid.load(Relaxed) > 1_500);
}

/// `MUSTER_FUZZ_SECONDS` (10), `MUSTER_FUZZ_SEED` (1), and for one body of it alone `MUSTER_FUZZ_BODY`.
#[test]
#[ignore = "it takes as long as it is told to: cargo xtask fuzz ingest"]
fn for_as_long_as_it_is_told_to() {
    let (seed, length) = (told("MUSTER_FUZZ_SEED", 1), Duration::from_secs(told("MUSTER_FUZZ_SECONDS", 10)));
    let (counts, began) = (Counts::default(), Instant::now());
    if let Ok(body) = std::env::var("MUSTER_FUZZ_BODY") {
        return meet(seed, body.parse().unwrap(), &counts);
    }
    let (next, last_told) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        while began.elapsed() < length {
            let from = next.fetch_add(AT_ONCE, Relaxed);
            (from..from + AT_ONCE).for_each(|body| meet(seed, body, &counts));
            let now = began.elapsed().as_secs() / TELL.as_secs();
            if last_told.fetch_max(now, Relaxed) < now {
                eprintln!("{}", counts.line(seed, began.elapsed()));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    println!("{}", counts.line(seed, began.elapsed()));
}

fn meet(seed: u64, number: u64, counts: &Counts) {
    let (encoding, bytes) = make::body(seed, number);
    let timed = || {
        let began = Instant::now();
        let borne = catch_unwind(AssertUnwindSafe(|| bears(encoding, &bytes)));
        (borne, began.elapsed())
    };
    let (borne, mut took) = timed();
    if took >= SLOW {
        // The processor may have been taken away from the first try.
        took = took.min(timed().1);
    }
    match borne {
        Ok(borne) if took < SLOW => counts.add(borne, took),
        outcome => {
            let what = if outcome.is_ok() { "took too long" } else { "was not borne" };
            panic!(
                "body {number} of seed {seed} {what} ({took:?}); again: MUSTER_FUZZ_SEED={seed} MUSTER_FUZZ_BODY={number}\n\
                 {encoding}: {}",
                bytes.escape_ascii()
            );
        }
    }
}
