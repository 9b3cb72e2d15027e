//! An event, as it travels and as it is kept.

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{EventId, MatchId, SessionId, SubjectId};
use muster_core::telemetry::EventSource as TelemetrySource;
use muster_core::time::millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that happened. It knows a player by their random `subject_id` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TelemetryEvent {
    /// Made by whoever saw it. Together with `at` it is what makes an event one and the same.
    pub event_id: EventId,
    /// When it happened, by the clock of whoever saw it.
    #[serde(with = "millis")]
    pub at: DateTime<Utc>,
    /// When the platform heard of it.
    #[serde(with = "millis")]
    pub received_at: DateTime<Utc>,
    /// Who saw it.
    pub source: TelemetrySource,
    /// What it is, e.g. `match.ended`: 1 to 64 of `a-z0-9_.`.
    pub kind: String,
    /// Whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<SubjectId>,
    /// In which run of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Its number in that run, from 1 on without holes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// How far the sender's clock was behind ours, in milliseconds, the way here included; negative when it was ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew_ms: Option<i32>,
    /// In which match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
    /// In which mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// In which queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// In which region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// On what platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// By which build of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Why it is kept apart and not among the events, until somebody releases it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// Whatever else there is to say.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

impl TelemetryEvent {
    /// An event with nothing but what every event has.
    pub fn new(
        event_id: EventId,
        source: TelemetrySource,
        kind: impl Into<String>,
        at: DateTime<Utc>,
        received_at: DateTime<Utc>,
    ) -> Self {
        Self {
            event_id,
            at,
            received_at,
            source,
            kind: kind.into(),
            subject_id: None,
            session_id: None,
            sequence: None,
            skew_ms: None,
            match_id: None,
            mode: None,
            queue: None,
            region: None,
            platform: None,
            build: None,
            quarantine: None,
            properties: Map::new(),
        }
    }
}
