//! Who waits, by rating and by wait.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Pool, waited};

/// How many points a bucket of ratings spans.
const POINTS: f64 = 100.0;

/// Buckets of ratings at most; what is further out is in the first and the last.
const MAX_BUCKETS: usize = 64;

/// From how many seconds on the buckets of waits begin.
const WAITS: [f64; 9] = [0.0, 1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];

/// Who waits, by rating and by wait. Held tickets count too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Histogram {
    /// By rating in points, 100 to a bucket, without gaps: from the lowest that has a ticket to the highest, 64 at most.
    pub by_rating: Vec<Bucket>,
    /// By wait in seconds: from 0, 1, 5, 10, 20, 30, 60, 120 and 300 on.
    pub by_wait: Vec<Bucket>,
}

/// How many wait between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Bucket {
    /// From this on.
    pub from: f64,
    /// Up to this, excluded; null when there is no end.
    pub to: Option<f64>,
    /// Tickets.
    pub tickets: u32,
    /// Their players.
    pub players: u32,
}

impl Bucket {
    fn count(&mut self, players: u8) {
        self.tickets += 1;
        self.players += u32::from(players);
    }
}

impl Pool {
    /// Who waits, by rating and by wait. Walks over the whole pool.
    pub fn histogram(&self, now: DateTime<Utc>) -> Histogram {
        let mut by_wait: Vec<Bucket> = WAITS
            .iter()
            .enumerate()
            .map(|(at, from)| Bucket { from: *from, to: WAITS.get(at + 1).copied(), ..Bucket::default() })
            .collect();
        for entry in self.here() {
            let waited = waited(now, entry.enqueued_ms).as_secs_f64();
            by_wait[WAITS.partition_point(|from| *from <= waited).saturating_sub(1)].count(entry.size);
        }

        let bucket = |points: f64| (points / POINTS).floor();
        let lowest = self.here().map(|entry| bucket(entry.points)).fold(f64::INFINITY, f64::min);
        let highest = self.here().map(|entry| bucket(entry.points)).fold(f64::NEG_INFINITY, f64::max);
        let mut by_rating: Vec<Bucket> = Vec::new();
        if lowest <= highest {
            let buckets = ((highest - lowest) as usize).saturating_add(1).min(MAX_BUCKETS);
            by_rating.extend((0..buckets).map(|at| {
                let from = (lowest + at as f64) * POINTS;
                let last = at + 1 == MAX_BUCKETS;
                Bucket { from, to: (!last).then_some(from + POINTS), ..Bucket::default() }
            }));
            for entry in self.here() {
                let at = (bucket(entry.points) - lowest) as usize;
                by_rating[at.min(buckets - 1)].count(entry.size);
            }
        }
        Histogram { by_rating, by_wait }
    }
}
