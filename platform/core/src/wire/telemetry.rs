//! Telemetry of game clients and trusted servers: batches in, one verdict for each event out.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::FieldError;
use crate::id::{EventId, MatchId, PlayerId, SessionId};
use crate::telemetry::is_kind;
use crate::time::millis;

/// The most events that one request carries.
pub const MAX_EVENT_BATCH: usize = 500;

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

/// `POST /v1/events`, in either of its forms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(untagged)]
pub enum EventsBody {
    /// The events alone: 1 to 500.
    Events(Vec<ClientEvent>),
    /// The same in an object.
    Batch(EventBatch),
}

/// Something that happened in a game client, or on a game's own server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientEvent {
    /// A UUIDv7, made by whoever saw it; the same event sent twice counts once.
    pub event_id: EventId,
    /// What happened: 1 to 64 of `a-z`, `0-9`, `_` and `.`.
    #[schemars(regex(pattern = r"^[a-z0-9_.]{1,64}$"))]
    #[schema(pattern = r"^[a-z0-9_.]{1,64}$")]
    pub kind: String,
    /// When, by the sender's clock.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// The run of the game client it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Its number in that run, from 1 on without holes: what is missing can then be seen. At most 2⁵³ − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    pub sequence: Option<u64>,
    /// Whom it is about: for trusted servers; a player's events are about that player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player_id: Option<PlayerId>,
    /// In which match it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
    /// In which queue: 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `+` and `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// In which region: as `queue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// On what platform: as `queue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// By which build of the game: as `queue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Anything more, as the event's type has it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// The highest number that an event may have in its session: what every JSON reader can tell apart.
const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// An event that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .fault.message)]
pub struct InvalidEvent {
    /// The id as the sender wrote it, cut after 64 bytes; empty when there was none.
    pub event_id: String,
    /// Where it is wrong (empty when it is no event at all), and what would be right.
    pub fault: FieldError,
}

impl ClientEvent {
    /// An event with nothing but what every event has.
    pub fn new(event_id: EventId, kind: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self {
            event_id,
            kind: kind.into(),
            at,
            session_id: None,
            sequence: None,
            player_id: None,
            match_id: None,
            queue: None,
            region: None,
            platform: None,
            build: None,
            properties: Map::new(),
        }
    }

    /// Reads and checks one event of a batch.
    ///
    /// # Errors
    /// What is wrong with the event, with its id as far as it can be made out.
    pub fn read(json: &str) -> Result<Self, InvalidEvent> {
        let invalid = |fault| InvalidEvent { event_id: event_id_in(json), fault };
        let event: Self = serde_json::from_str(json).map_err(|_| invalid(unread(json)))?;
        event.validate().map_err(invalid)?;
        Ok(event)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The field, and what is allowed there.
    pub fn validate(&self) -> Result<(), FieldError> {
        if self.event_id.uuid().get_version_num() != 7 {
            return Err(FieldError::new("event_id", "has to be a UUIDv7"));
        }
        if !is_kind(&self.kind) {
            return Err(FieldError::new("kind", "1 to 64 of a-z, 0-9, `_` and `.`"));
        }
        if self.sequence.is_some_and(|sequence| !(1..=MAX_SEQUENCE).contains(&sequence)) {
            return Err(FieldError::new("sequence", "1 to 2^53 - 1"));
        }
        if self.sequence.is_some() && self.session_id.is_none() {
            return Err(FieldError::new("session_id", "has to be there where there is a `sequence`"));
        }
        let words =
            [("queue", &self.queue), ("region", &self.region), ("platform", &self.platform), ("build", &self.build)];
        match words.into_iter().find(|(_, word)| word.as_deref().is_some_and(|word| !is_word(word))) {
            Some((field, _)) => Err(FieldError::new(field, "1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `+` and `-`")),
            None => Ok(()),
        }
    }
}

/// Whether a text may name a queue, region, platform or build.
pub(super) fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// What is wrong with JSON that is no event. Read again with its path, which costs too much for those that are one.
fn unread(json: &str) -> FieldError {
    let mut reader = serde_json::Deserializer::from_str(json);
    let read: Result<ClientEvent, _> = serde_path_to_error::deserialize(&mut reader);
    match read {
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            let message = error.inner().to_string();
            FieldError::new(
                path.chars().take(MAX_ECHO).collect::<String>(),
                message.chars().take(200).collect::<String>(),
            )
        }
        Ok(_) => FieldError::new("", "something stands after the event"),
    }
}

/// The id of what may be an event, as its sender wrote it: cut after 64 bytes, and empty when there is none.
pub fn event_id_in(json: &str) -> String {
    #[derive(Deserialize)]
    struct OnlyId {
        event_id: Option<String>,
    }
    let text = serde_json::from_str::<OnlyId>(json).ok().and_then(|found| found.event_id).unwrap_or_default();
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
    /// The event's id as the sender wrote it.
    pub event_id: String,
    /// Taken or not.
    pub verdict: Verdict,
    /// Where an invalid event is wrong; absent when it is no event at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it was not taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an event. Answers may grow: a verdict that is not known here is one after which sending it again does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It will be stored. Should it have been stored long ago, it is counted once all the same.
    Accepted,
    /// It stands twice in the request, or was taken in the last two minutes.
    Duplicate,
    /// Sending it again will not help.
    Invalid,
    /// Its type is not known here. It is kept apart, and becomes an event when the type is made.
    Quarantined,
    /// The sender sends too much: send this one again later.
    RateLimited,
    /// Staff have switched its type or its source off. It is not kept.
    SwitchedOff,
    /// Only a share of this type's events is kept, and this is none of them.
    SampledOut,
}

impl Verdict {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Invalid => "invalid",
            Self::Quarantined => "quarantined",
            Self::RateLimited => "rate_limited",
            Self::SwitchedOff => "switched_off",
            Self::SampledOut => "sampled_out",
        }
    }
}

impl EventVerdict {
    /// A verdict that needs no words.
    pub fn plain(event_id: EventId, verdict: Verdict) -> Self {
        Self { event_id: event_id.to_string(), verdict, path: None, reason: None }
    }

    /// A verdict with its reason.
    pub fn because(event_id: EventId, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::plain(event_id, verdict) }
    }
}

impl From<InvalidEvent> for EventVerdict {
    fn from(InvalidEvent { event_id, fault }: InvalidEvent) -> Self {
        let path = Some(fault.path).filter(|path| !path.is_empty());
        Self { event_id, verdict: Verdict::Invalid, path, reason: Some(fault.message) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVENT_ID: &str = "evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405";

    #[test]
    fn reads_a_good_event() {
        let event = json!({"event_id": EVENT_ID, "kind": "level.done", "at": "2026-01-31T09:30:00Z"});
        let event = ClientEvent::read(&event.to_string()).unwrap();
        assert_eq!(event.event_id.to_string(), EVENT_ID);
        assert!(event.properties.is_empty());
    }

    #[test]
    fn says_what_is_wrong_with_a_bad_one_and_which_it_was() {
        let at = "2026-01-31T09:30:00Z";
        let old = "evt_0192f0c1e1c04b2cb4b1a7d1c2e3f405";
        for (raw, id, path, reason) in [
            (json!({"event_id": EVENT_ID, "kind": "Level Done", "at": at}), EVENT_ID, "kind", "1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "", "at": at}), EVENT_ID, "kind", "1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "k".repeat(65), "at": at}), EVENT_ID, "kind", "1 to 64"),
            (json!({"event_id": old, "kind": "k", "at": at}), old, "event_id", "UUIDv7"),
            (json!({"event_id": EVENT_ID, "kind": "k"}), EVENT_ID, "", "missing field `at`"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": "yesterday"}), EVENT_ID, "at", "invalid"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "player": 1}), EVENT_ID, "player", "unknown field"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "sequence": 1}), EVENT_ID, "session_id", "there"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "sequence": -1}), EVENT_ID, "sequence", "invalid"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "region": "a b"}), EVENT_ID, "region", "1 to 64"),
            (json!({"event_id": EVENT_ID, "kind": "k", "at": at, "build": ""}), EVENT_ID, "build", "1 to 64"),
            (json!({"event_id": "7", "kind": "k", "at": at}), "7", "event_id", "`evt_` and 32"),
            (json!({"kind": "k", "at": at}), "", "", "missing field `event_id`"),
            (json!("nonsense"), "", "", "invalid type"),
        ] {
            let invalid = ClientEvent::read(&raw.to_string()).unwrap_err();
            assert_eq!((&*invalid.event_id, &*invalid.fault.path), (id, path), "{raw}");
            assert!(invalid.fault.message.contains(reason), "{:?} should say {reason:?}", invalid.fault);
        }
        assert!(ClientEvent::read("{\"a\"").is_err());
    }

    #[test]
    fn does_not_echo_without_end_nor_split_a_character() {
        let invalid = |id: String| ClientEvent::read(&json!({"event_id": id}).to_string()).unwrap_err();
        assert_eq!(invalid("ü".repeat(100)).event_id, "ü".repeat(32));
        assert_eq!(invalid(format!("x{}", "ü".repeat(100))).event_id.len(), 63);
    }
}
