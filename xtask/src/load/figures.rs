//! What `muster-load` measured, as it writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The figures of a run. `platform/client/src/bin/muster-load/report.rs` says what each of them is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented where they are made")]
pub struct Figures {
    pub queue: String,
    pub arrivals: String,
    pub players: u32,
    pub rate: Option<u32>,
    pub seconds: f64,
    pub tickets: u64,
    pub matches: u64,
    pub ack_ms: Percentiles,
    pub matched_ms: Percentiles,
    pub violations: u64,
    pub violation_examples: Vec<String>,
    pub unmatched: u64,
    pub refused: BTreeMap<String, u64>,
    pub starved: u64,
    pub left: u64,
    pub sockets_lost: BTreeMap<String, u64>,
    pub server_cpu_us_per_ticket: Option<f64>,
    pub server_cpu_seconds: Option<f64>,
    pub generator_cpu_seconds: Option<f64>,
    pub machine_busy: Option<f64>,
    pub set_up_seconds: f64,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "their names say it")]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}
