//! Telemetry of game clients: batches in, one verdict for each event out.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::FieldError;
use crate::id::{EventId, SessionId};
use crate::time::millis;

/// The most events that one request carries.
pub const MAX_EVENT_BATCH: usize = 500;

/// The most characters of an event's kind.
const MAX_KIND: usize = 64;

/// The most bytes of an echoed id: what does not parse is shown back, but not without end.
const MAX_ECHO: usize = 64;

/// `POST /v1/events`, as clients send it: 1 to 500 events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBatch {
    /// The events, in any order.
    #[schemars(length(min = 1, max = 500))]
    #[schema(min_items = 1, max_items = 500)]
    pub events: Vec<ClientEvent>,
}

/// `POST /v1/events`, as the server reads it: one event that cannot be read must not cost the others. Each goes through
/// [`ClientEvent::read`]. For API documents it has the shape of [`EventBatch`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEventBatch {
    /// The events, not looked at yet.
    pub events: Vec<Value>,
}

/// Something that happened in a game client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientEvent {
    /// Made by the client; the same event sent twice counts once.
    pub event_id: EventId,
    /// What happened: 1 to 64 of `a-z`, `0-9`, `_` and `.`.
    #[schemars(regex(pattern = r"^[a-z0-9_.]{1,64}$"))]
    #[schema(pattern = r"^[a-z0-9_.]{1,64}$")]
    pub kind: String,
    /// When, by the client's clock.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// The run of the game client it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Anything more.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// An event that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidEvent {
    /// The id as the client wrote it, cut after 64 bytes; empty when there was none.
    pub event_id: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ClientEvent {
    /// Reads and checks one event of a batch.
    ///
    /// # Errors
    /// What is wrong with the event, with its id as far as it can be made out.
    pub fn read(raw: &Value) -> Result<Self, InvalidEvent> {
        let invalid = |reason: String| InvalidEvent { event_id: echo(raw.get("event_id")), reason };
        let event = Self::deserialize(raw).map_err(|error| invalid(error.to_string()))?;
        event.validate().map_err(|error| invalid(format!("{}: {}", error.path, error.message)))?;
        Ok(event)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn validate(&self) -> Result<(), FieldError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        if self.kind.is_empty() || self.kind.len() > MAX_KIND || !self.kind.bytes().all(allowed) {
            return Err(FieldError::new("kind", "1 to 64 of a-z, 0-9, `_` and `.`"));
        }
        Ok(())
    }
}

fn echo(event_id: Option<&Value>) -> String {
    let text = event_id.and_then(Value::as_str).unwrap_or_default();
    let end = (0..=text.len().min(MAX_ECHO)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text[..end].to_owned()
}

/// The answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct EventVerdicts {
    /// One for each event, in the order they were sent.
    pub results: Vec<EventVerdict>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct EventVerdict {
    /// The event's id as the client wrote it.
    pub event_id: String,
    /// Taken or not.
    pub verdict: Verdict,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether an event was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It will be stored.
    Accepted,
    /// Sending it again will not help.
    Invalid,
}

impl EventVerdict {
    /// The event was taken.
    pub fn accepted(event_id: EventId) -> Self {
        Self { event_id: event_id.to_string(), verdict: Verdict::Accepted, reason: None }
    }
}

impl From<InvalidEvent> for EventVerdict {
    fn from(invalid: InvalidEvent) -> Self {
        Self { event_id: invalid.event_id, verdict: Verdict::Invalid, reason: Some(invalid.reason) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVENT_ID: &str = "evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405";

    #[test]
    fn reads_a_good_event() {
        let event =
            ClientEvent::read(&json!({"event_id": EVENT_ID, "kind": "level.done", "at": "2026-01-31T09:30:00Z"}))
                .unwrap();
        assert_eq!(event.event_id.to_string(), EVENT_ID);
        assert!(event.properties.is_empty());
    }

    #[test]
    fn says_what_is_wrong_with_a_bad_one_and_which_it_was() {
        let at = "2026-01-31T09:30:00Z";
        for (raw, id, reason) in [
            (json!({"event_id": EVENT_ID, "kind": "Level Done", "at": at}), EVENT_ID, "kind: 1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "", "at": at}), EVENT_ID, "kind: 1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "k".repeat(65), "at": at}), EVENT_ID, "kind: 1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "k"}), EVENT_ID, "missing field `at`"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": "yesterday"}), EVENT_ID, "invalid"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "player": 1}), EVENT_ID, "unknown field `player`"),
            (json!({"event_id": "7", "kind": "k", "at": at}), "7", "`evt_` and 32"),
            (json!({"kind": "k", "at": at}), "", "missing field `event_id`"),
            (json!("nonsense"), "", "invalid type"),
        ] {
            let invalid = ClientEvent::read(&raw).unwrap_err();
            assert_eq!(invalid.event_id, id);
            assert!(invalid.reason.contains(reason), "{:?} should say {reason:?}", invalid.reason);
        }
    }

    #[test]
    fn does_not_echo_without_end_nor_split_a_character() {
        let invalid = ClientEvent::read(&json!({"event_id": "ü".repeat(100)})).unwrap_err();
        assert_eq!(invalid.event_id, "ü".repeat(32));
        let invalid = ClientEvent::read(&json!({"event_id": format!("x{}", "ü".repeat(100))})).unwrap_err();
        assert_eq!(invalid.event_id.len(), 63);
    }
}
