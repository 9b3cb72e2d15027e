//! Event types: what an event of each kind says, who may send it, and what becomes of it. They are data that staff edit; the
//! platform's own are [`shipped_event_types`].

#[cfg(feature = "event-types")]
mod check;
mod shipped;
mod source;
mod validate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "event-types")]
pub use check::EventType;
pub use shipped::{kind, shipped_event_types};
pub use source::EventSource;
pub use validate::{InvalidEventType, MAX_MEASURES, MAX_PERSONAL, MAX_SCHEMA_BYTES, is_kind};

/// One version of an event type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTypeDefinition {
    /// The `kind` of its events: 1 to 64 of `a-z`, `0-9`, `_` and `.`.
    pub name: String,
    /// Counts from 1; every change makes the next one.
    pub version: u32,
    /// What it tells, for whoever reads it: 500 characters at most.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who answers for it: a team's name, 1 to 64 characters.
    pub owner: String,
    /// Who may send it: at least one. Clients and trusted servers unless it says so.
    #[serde(default = "anybody")]
    pub sources: Vec<EventSource>,
    /// A JSON schema (draft 2020-12) of its `properties`, 16 KiB at most; without one they may be anything. It refers to nothing outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Properties that are personal, by name: up to 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<String>,
    /// Properties that are numbers of which sums and percentiles are kept by the hour: up to 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<String>,
    /// Which share of sessions (of events, where they tell no session) is kept: 0 to 1.
    #[serde(default = "all")]
    pub sample_rate: f64,
    /// How long its events are worth keeping.
    #[serde(default)]
    pub retention: RetentionClass,
    /// Whether its events are taken. False is the kill switch.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// How long events are worth keeping. For how long each is kept is a policy of its own; see `muster-retention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClass {
    /// Days: noise once it was looked at.
    Short,
    /// Weeks.
    #[default]
    Standard,
    /// Months: what questions about the past are asked of.
    Long,
}

fn anybody() -> Vec<EventSource> {
    vec![EventSource::Client, EventSource::Trusted]
}

fn all() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}
