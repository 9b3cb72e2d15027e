//! An event as its row: read from a line of a message without taking its properties apart.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{EventId, MatchId, SessionId, SubjectId};
use muster_core::time::millis;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{TelemetrySource, storable};
use crate::insights::SeenEvent;

/// A [`TelemetryEvent`](super::TelemetryEvent) as the database wants it: its properties stay text, which PostgreSQL reads anyway.
#[derive(Deserialize)]
pub(super) struct Row<'a> {
    pub event_id: EventId,
    #[serde(with = "millis")]
    pub at: DateTime<Utc>,
    #[serde(with = "millis")]
    pub received_at: DateTime<Utc>,
    pub source: TelemetrySource,
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    #[serde(default)]
    pub subject_id: Option<SubjectId>,
    #[serde(default)]
    pub session_id: Option<SessionId>,
    #[serde(default)]
    pub sequence: Option<i64>,
    #[serde(default)]
    pub skew_ms: Option<i32>,
    #[serde(default)]
    pub match_id: Option<MatchId>,
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default)]
    pub queue: Option<String>,
    #[serde(default)]
    pub region: Option<String>,
    #[serde(default)]
    pub platform: Option<String>,
    #[serde(default)]
    pub build: Option<String>,
    /// Why it goes to the quarantine instead.
    #[serde(default)]
    pub quarantine: Option<String>,
    #[serde(borrow, default = "no_properties")]
    pub properties: &'a RawValue,
}

fn no_properties<'a>() -> &'a RawValue {
    serde_json::from_str("{}").expect("it is JSON")
}

impl<'a> Row<'a> {
    /// Reads a line; or why it cannot be stored.
    pub fn read(line: &'a [u8]) -> Result<Self, String> {
        let row = Self::parse(line).map_err(|error| format!("a telemetry event cannot be read: {error}"))?;
        storable::check(&row).map(|()| row)
    }

    /// What it is known by.
    pub fn key(&self) -> (Uuid, DateTime<Utc>) {
        (self.event_id.uuid(), self.at)
    }

    /// As facts are made of it.
    pub fn seen(&self) -> SeenEvent<'_> {
        SeenEvent {
            at: self.at,
            source: self.source,
            kind: &self.kind,
            subject_id: self.subject_id,
            session_id: self.session_id,
            match_id: self.match_id,
            mode: self.mode,
            queue: self.queue.as_deref(),
            region: self.region.as_deref(),
            platform: self.platform.as_deref(),
            build: self.build.as_deref(),
            properties: self.properties.get().into(),
        }
    }

    /// Reads a line, whether it can be stored or not.
    pub fn parse(line: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }
}
