//! An event, as it travels and as it is kept.

use std::fmt;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{EventId, MatchId, SessionId, SubjectId};
use muster_core::time::millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TelemetrySource {
    /// A game client; it says what it likes.
    Client,
    /// The platform itself.
    Server,
}

impl TelemetrySource {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for TelemetrySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
            match_id: None,
            mode: None,
            queue: None,
            region: None,
            platform: None,
            build: None,
            properties: Map::new(),
        }
    }
}
