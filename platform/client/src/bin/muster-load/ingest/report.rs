//! What is printed: one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::percentiles::Percentiles;

/// The figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the events were.
    pub kind: String,
    /// Bytes of an event, as JSON.
    pub event_bytes: u16,
    /// Events of a request.
    pub batch: u16,
    /// For how long was sent: until the last acknowledgement.
    pub seconds: f64,
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Of these, those that had come before, by their acknowledgement.
    pub acknowledged_again: u64,
    /// The same, a second.
    pub accepted_per_s: f64,
    /// Events that were stored while events were sent, a second; this and the following are none without the server's metrics.
    pub stored_while_sending_per_s: Option<f64>,
    /// Events by the time from the first sending until the last was stored.
    pub stored_per_s: Option<f64>,
    /// From the last acknowledgement until all was stored, in milliseconds.
    pub lag_ms: Option<f64>,
    /// The most events that were acknowledged and not stored yet, at any look.
    pub backlog_max_events: Option<u64>,
    /// From the first sending of a batch to its acknowledgement.
    pub ack_ms: Percentiles,
    /// Requests beyond the first of each batch, by why.
    pub retries: BTreeMap<String, u64>,
    /// Events that were not taken, by verdict; there are to be none.
    pub refused: BTreeMap<String, u64>,
    /// The sum of the last 48 bits of the ids of what was acknowledged.
    pub id_sum: String,
    /// The exclusive or of the same.
    pub id_xor: u64,
    /// Processors that the server had in use, while events were sent.
    pub server_cpus: Option<f64>,
    /// Processors that this program had in use.
    pub generator_cpus: Option<f64>,
    /// Which share of all processors was busy: 0 to 1.
    pub machine_busy: Option<f64>,
    /// Events that were refused; there are to be none.
    pub violations: u64,
    /// The same in words.
    pub violation_examples: Vec<String>,
}
