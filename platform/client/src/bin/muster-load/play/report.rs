//! What is printed: one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Instant;

use super::{
    args::Args,
    hall::{Hall, Took},
    memory,
};
use crate::{
    gauges::Server,
    percentiles::{Percentiles, rounded},
};

/// The figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which queue.
    pub queue: String,
    /// Matches that were played at once.
    pub matches: u32,
    /// The fewest that were, at any look while it was measured: one that is over takes a moment to be replaced.
    pub fewest_matches: u32,
    /// Idle sockets beside the players'.
    pub sockets: u32,
    /// From one move of a match to its next, in milliseconds.
    pub interval_ms: f64,
    /// For how long was measured.
    pub seconds: f64,
    /// Moves that both players were told of.
    pub moves: usize,
    /// From sending a move until both players were told.
    pub move_ms: Percentiles,
    /// The seconds in which moves took longer than 10 ms: a stall of everything shows as few seconds with many, overload as all.
    pub slow_seconds: Vec<SlowSecond>,
    /// From sending a move to its acknowledgement.
    pub ack_ms: Percentiles,
    /// From when a move was due to its sending: what this program was late by.
    pub late_ms: Percentiles,
    /// Times at which a match's move was due and the one before was not told to both yet.
    pub behind: u64,
    /// Matches that came to their end; each was replaced by another, whose making and settling is in the server's time.
    pub ended: usize,
    /// Requests that were refused, and tickets that came to nothing, by what and code or state.
    pub refused: BTreeMap<String, u64>,
    /// Sockets that were lost, by reason.
    pub sockets_lost: BTreeMap<String, u64>,
    /// Broken rules; there are to be none.
    pub violations: u64,
    /// The first of them in words.
    pub violation_examples: Vec<String>,
    /// Matches whose log was read afterwards and compared with what the players were told.
    pub logs_compared: usize,
    /// What an idle socket adds to the server's resident memory; all of the following are none without its metrics.
    pub rss_bytes_per_idle_socket: Option<f64>,
    /// The same of the second half of the sockets alone: what the next thousands cost.
    pub rss_bytes_per_idle_socket_second_half: Option<f64>,
    /// What a running match adds to it, its players' sockets apart; what the server needs for the first of anything is in it.
    pub rss_bytes_per_match: Option<f64>,
    /// The server's resident memory at the end, in bytes.
    pub server_rss_bytes: Option<f64>,
    /// Processor time of the server for each move, with all that goes on beside it.
    pub server_cpu_us_per_move: Option<f64>,
    /// The same without what the open sockets cost while nobody played.
    pub server_cpu_us_per_move_net: Option<f64>,
    /// Processor time of the server for each match and second.
    pub server_cpu_us_per_match_second: Option<f64>,
    /// Processors that the server kept busy while it was measured.
    pub server_cpus: Option<f64>,
    /// Processors that it kept busy while all sockets were open and nobody played.
    pub server_cpus_at_rest: Option<f64>,
    /// Processors that this program kept busy.
    pub generator_cpus: Option<f64>,
    /// Which share of all processors was busy, with all that runs on this machine: 0 to 1.
    pub machine_busy: Option<f64>,
    /// How long signing in, connecting and beginning took, before anything was measured.
    pub set_up_seconds: f64,
}

/// A second of the measured time, counted from 0, in which moves took longer than [`SLOW`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlowSecond {
    /// Which.
    pub second: u64,
    /// How many of the moves that were sent in it.
    pub moves: u64,
    /// The longest of them.
    pub max_ms: f64,
}

/// A move that takes longer is slow, in microseconds.
const SLOW: u64 = 10_000;

fn slow_seconds(began: Option<Instant>, took: &Took) -> Vec<SlowSecond> {
    let mut slow: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (micros, sent) in took.told.iter().zip(&took.sent).filter(|(micros, _)| **micros > SLOW) {
        let second = began.map_or(0, |began| sent.saturating_duration_since(began).as_secs());
        let (moves, max) = slow.entry(second).or_default();
        *moves += 1;
        *max = (*max).max(*micros);
    }
    let told = |(second, (moves, max))| SlowSecond { second, moves, max_ms: rounded(max as f64 / 1e3) };
    slow.into_iter().map(told).collect()
}

/// What was measured beside the moves.
#[derive(Debug, Default)]
pub struct Measured {
    /// In seconds, from this moment on.
    pub seconds: f64,
    pub since: Option<Instant>,
    pub set_up_seconds: f64,
    pub fewest_matches: u32,
    pub behind: u64,
    /// Matches that were over before any was measured.
    pub over_before: usize,
    pub logs_compared: usize,
    /// The server with the players' sockets; with half of the idle ones; with all.
    pub before_idle: Option<Server>,
    pub half_idle: Option<Server>,
    pub all_idle: Option<Server>,
    /// Processors that it kept busy then.
    pub cpus_at_rest: Option<f64>,
    /// The server once all matches had begun, and around the measured time.
    pub all_begun: Option<Server>,
    pub began: Option<Server>,
    pub ended: Option<Server>,
    pub generator_cpu_seconds: Option<f64>,
    pub machine_busy: Option<f64>,
}

impl Report {
    /// Of a closed hall.
    pub fn new(args: &Args, hall: &Hall, measured: &Measured, idle_lost: BTreeMap<String, u64>) -> Self {
        let (violations, examples) = hall.violations();
        let moves = hall.took.told.len();
        let used = measured.began.zip(measured.ended).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
        let at_rest = measured.cpus_at_rest.map(|cpus| cpus * measured.seconds);
        let per_move = |seconds: f64| rounded(seconds * 1e6 / moves.max(1) as f64);
        let half = args.sockets / 2;
        let mut sockets_lost = hall.lost.clone();
        sockets_lost.extend(idle_lost);
        Self {
            queue: args.queue.clone(),
            matches: args.matches,
            fewest_matches: measured.fewest_matches,
            sockets: args.sockets,
            interval_ms: rounded(args.interval.as_secs_f64() * 1e3),
            seconds: rounded(measured.seconds),
            moves,
            move_ms: Percentiles::of(hall.took.told.clone()),
            slow_seconds: slow_seconds(measured.since, &hall.took),
            ack_ms: Percentiles::of(hall.took.acked.clone()),
            late_ms: Percentiles::of(hall.took.late.clone()),
            behind: measured.behind,
            ended: hall.over.len().saturating_sub(measured.over_before),
            refused: hall.refused.clone(),
            sockets_lost,
            violations,
            violation_examples: examples.to_vec(),
            logs_compared: measured.logs_compared,
            rss_bytes_per_idle_socket: memory::each(measured.before_idle, measured.all_idle, args.sockets),
            rss_bytes_per_idle_socket_second_half: memory::each(
                measured.half_idle,
                measured.all_idle,
                args.sockets - half,
            ),
            rss_bytes_per_match: memory::each(measured.all_idle, measured.all_begun, args.matches),
            server_rss_bytes: measured.ended.map(|server| server.resident_bytes),
            server_cpu_us_per_move: used.map(per_move),
            server_cpu_us_per_move_net: used.zip(at_rest).map(|(used, at_rest)| per_move((used - at_rest).max(0.0))),
            server_cpu_us_per_match_second: used
                .map(|used| rounded(used * 1e6 / f64::from(args.matches) / measured.seconds)),
            server_cpus: used.map(|used| rounded(used / measured.seconds)),
            server_cpus_at_rest: measured.cpus_at_rest.map(rounded),
            generator_cpus: measured.generator_cpu_seconds.map(|used| rounded(used / measured.seconds)),
            machine_busy: measured.machine_busy.map(rounded),
            set_up_seconds: rounded(measured.set_up_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn slow_moves_are_told_by_the_second_they_were_sent_in() {
        let began = Instant::now();
        let sent = [100, 900, 950, 2_100].map(|millis| began + Duration::from_millis(millis)).to_vec();
        let took = Took { told: vec![10_000, 10_001, 25_000, 11_500], sent, ..Took::default() };
        let second = |second, moves, max_ms| SlowSecond { second, moves, max_ms };
        assert_eq!(slow_seconds(Some(began), &took), [second(0, 2, 25.0), second(2, 1, 11.5)]);
    }
}
