//! What is printed: one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;

use super::book::Book;
use crate::percentiles::{Percentiles, rounded};

/// The figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which queue.
    pub queue: String,
    /// `burst` (all at one moment) or `steady` (by the clock).
    pub arrivals: &'static str,
    /// Players with a socket, without those who only warmed up.
    pub players: u32,
    /// Tickets a second that were wished for, when steady.
    pub rate: Option<u32>,
    /// From the first ticket to the last match or the end of patience.
    pub seconds: f64,
    /// Wishes: `ticket.create` sent.
    pub tickets: usize,
    /// Matches that came of them.
    pub matches: usize,
    /// From `ticket.create` (by the clock, when steady) to its acknowledgement.
    pub ack_ms: Percentiles,
    /// From `ticket.create` (by the clock, when steady) to `match.found`.
    pub matched_ms: Percentiles,
    /// Broken rules; there are to be none.
    pub violations: u64,
    /// The first of them in words.
    pub violation_examples: Vec<String>,
    /// Tickets without a match when patience ended, refused ones not among them.
    pub unmatched: usize,
    /// Wishes that were refused, and tickets that came to nothing, by code or state.
    pub refused: BTreeMap<String, u64>,
    /// Arrivals that the clock asked for when no player was free; the rate was less by these.
    pub starved: u64,
    /// Matches that a player left, so that both could queue again: their cost is in the server's time too.
    pub left: u64,
    /// Sockets that were lost, by reason.
    pub sockets_lost: BTreeMap<String, u64>,
    /// Processor time of the server, in microseconds for each ticket; none without its metrics.
    pub server_cpu_us_per_ticket: Option<f64>,
    /// Processor time of the server, in seconds.
    pub server_cpu_seconds: Option<f64>,
    /// Processor time of this program, in seconds.
    pub generator_cpu_seconds: Option<f64>,
    /// Which share of all processors was busy, with all that runs on this machine: 0 to 1.
    pub machine_busy: Option<f64>,
    /// Players who warmed the server up.
    pub warm_up: u32,
    /// How long signing in and connecting took, before anything was measured.
    pub set_up_seconds: f64,
}

/// What was measured beside the book.
#[derive(Debug, Default)]
pub struct Measured {
    pub seconds: f64,
    pub starved: u64,
    pub left: u64,
    pub server_cpu_seconds: Option<f64>,
    pub generator_cpu_seconds: Option<f64>,
    pub machine_busy: Option<f64>,
}

impl Report {
    /// Of a closed book.
    pub fn new(book: &Book, measured: Measured, queue: &str, players: u32, rate: Option<u32>) -> Self {
        let (violations, examples) = book.violations();
        let (acked, found) = (book.acked_micros(), book.found_micros());
        let refused: u64 = book.refused().values().sum();
        let tickets = book.wishes();
        let unmatched =
            tickets.saturating_sub(found.len()).saturating_sub(usize::try_from(refused).unwrap_or_default());
        Self {
            queue: queue.to_owned(),
            arrivals: if rate.is_some() { "steady" } else { "burst" },
            players,
            rate,
            seconds: rounded(measured.seconds),
            tickets,
            matches: book.matches(),
            ack_ms: Percentiles::of(acked),
            matched_ms: Percentiles::of(found),
            violations,
            violation_examples: examples.to_vec(),
            unmatched,
            refused: book.refused().clone(),
            starved: measured.starved,
            left: measured.left,
            sockets_lost: book.lost().clone(),
            server_cpu_us_per_ticket: measured
                .server_cpu_seconds
                .filter(|_| tickets > 0)
                .map(|seconds| rounded(seconds * 1e6 / tickets as f64)),
            server_cpu_seconds: measured.server_cpu_seconds.map(rounded),
            generator_cpu_seconds: measured.generator_cpu_seconds.map(rounded),
            machine_busy: measured.machine_busy.map(rounded),
            warm_up: 0,
            set_up_seconds: 0.0,
        }
    }
}
