//! What became of many tickets, in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RecordedTicket;

/// What became of a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Matched {
        wait_ms: u64,
        quality: Option<f64>,
    },
    /// Its players gave up before it matched.
    Cancelled,
    /// It waited until the queue's cap, or until nothing could happen any more.
    Unmatched,
    /// The queue does not take it.
    Refused,
}

/// What became of many tickets. Each is matched, unmatched, cancelled or refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct DryRun {
    /// How many tickets.
    pub tickets: u64,
    /// How many players they had.
    pub players: u64,
    /// Tickets that matched.
    pub matched: u64,
    /// Tickets that waited until the queue's cap, or for whom nobody was left.
    pub unmatched: u64,
    /// Tickets whose players gave up before they matched.
    pub cancelled: u64,
    /// Tickets that the queue does not take: a party that is too large, an unknown role, region or property.
    pub refused: u64,
    /// How long the matched tickets waited; none when none matched.
    pub wait_ms: Option<WaitSummary>,
    /// How even the matches of the matched tickets are; none when none matched.
    pub quality: Option<QualitySummary>,
}

/// How long tickets waited, in milliseconds. Percentiles are of the nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct WaitSummary {
    /// The mean.
    pub mean: f64,
    /// Half of the tickets waited no longer.
    pub p50: u64,
    /// 95 of 100 waited no longer.
    pub p95: u64,
    /// 99 of 100 waited no longer.
    pub p99: u64,
}

/// How even matches are, from 0 to 1; a match counts once for each of its tickets. Percentiles are of the nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct QualitySummary {
    /// The mean.
    pub mean: f64,
    /// One in ten is no better.
    pub p10: f64,
    /// Half are no better.
    pub p50: f64,
}

impl DryRun {
    /// What really became of them, by what was recorded.
    pub fn recorded(recorded: &[RecordedTicket]) -> Self {
        let fate = |ticket: &RecordedTicket| match (ticket.outcome.matched, ticket.left_at) {
            (true, _) => Fate::Matched { wait_ms: ticket.outcome.wait_ms, quality: ticket.outcome.quality },
            (false, Some(_)) => Fate::Cancelled,
            (false, None) => Fate::Unmatched,
        };
        Self::of(recorded, &recorded.iter().map(fate).collect::<Vec<_>>())
    }

    pub(super) fn of(recorded: &[RecordedTicket], fates: &[Fate]) -> Self {
        let count = |fate: Fate| fates.iter().filter(|other| **other == fate).count() as u64;
        let (mut waits, mut qualities) = (Vec::new(), Vec::new());
        for fate in fates {
            if let Fate::Matched { wait_ms, quality } = fate {
                waits.push(*wait_ms);
                qualities.extend(*quality);
            }
        }
        waits.sort_unstable();
        qualities.sort_unstable_by(f64::total_cmp);
        Self {
            tickets: recorded.len() as u64,
            players: recorded.iter().map(|ticket| ticket.members.len() as u64).sum(),
            matched: waits.len() as u64,
            unmatched: count(Fate::Unmatched),
            cancelled: count(Fate::Cancelled),
            refused: count(Fate::Refused),
            wait_ms: WaitSummary::of(&waits),
            quality: QualitySummary::of(&qualities),
        }
    }
}

impl WaitSummary {
    fn of(sorted: &[u64]) -> Option<Self> {
        let mean = sorted.iter().map(|wait| *wait as f64).sum::<f64>() / sorted.len() as f64;
        let rank = |percent| percentile(sorted, percent);
        Some(Self { mean, p50: rank(50)?, p95: rank(95)?, p99: rank(99)? })
    }
}

impl QualitySummary {
    fn of(sorted: &[f64]) -> Option<Self> {
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some(Self { mean, p10: percentile(sorted, 10)?, p50: percentile(sorted, 50)? })
    }
}

/// The least value that so many percent (1 to 100) do not exceed; none of nothing.
fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(
            [1, 10, 50, 95, 99, 100].map(|percent| percentile(&hundred, percent)),
            [1, 10, 50, 95, 99, 100].map(Some)
        );
        assert_eq!([1, 50, 51, 100].map(|percent| percentile(&[7, 9], percent)), [7, 7, 9, 9].map(Some));
        assert_eq!(percentile::<u64>(&[], 50), None);
        assert_eq!(WaitSummary::of(&[]), None);
        let waits = WaitSummary::of(&[1, 2, 6]).unwrap();
        assert_eq!((waits.mean, waits.p50, waits.p99), (3.0, 2, 6));
    }
}
