//! What becomes of one event.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{PlayerId, SubjectId};
use muster_core::telemetry::EventSource;
use muster_core::wire::{ClientEvent, EventVerdict, FieldError, InvalidEvent, Verdict, event_id_in};
use muster_store::{Catalogue, TelemetryEvent};
use serde_json::{Map, Value};

/// How far a sender's clock may run ahead.
const FUTURE: TimeDelta = TimeDelta::minutes(10);
/// How old an event may be when it arrives.
const PAST: TimeDelta = TimeDelta::days(7);
/// The most bytes of an event's properties, as JSON.
const MAX_PROPERTIES: usize = 16 * 1024;

/// Players, as telemetry knows them.
pub type Subjects = HashMap<PlayerId, SubjectId>;

/// What has to be known to judge the events of one request.
pub struct Judge {
    /// The event types.
    pub catalogue: Arc<Catalogue>,
    /// Who sends.
    pub source: EventSource,
    /// The player who sends; None for a trusted server.
    pub own: Option<PlayerId>,
    /// Everybody whom the events are about.
    pub subjects: Subjects,
    /// When they came.
    pub now: DateTime<Utc>,
    /// How far the sender's clock is behind ours, in milliseconds.
    pub skew_ms: Option<i32>,
}

/// What becomes of an event.
pub enum Judged {
    /// It is to be kept; then this is the verdict.
    Taken(Box<TelemetryEvent>, EventVerdict),
    /// It is not, and why.
    Told(EventVerdict),
}

/// The verdict of an event that is one too many.
pub fn rate_limited(json: &str) -> EventVerdict {
    EventVerdict {
        event_id: event_id_in(json),
        verdict: Verdict::RateLimited,
        path: None,
        reason: Some("you send too much: send it again later".to_owned()),
    }
}

impl Judge {
    /// Judges an event that could be read.
    pub fn judge(&self, mut event: ClientEvent) -> Judged {
        let id = event.event_id;
        let told = |verdict, reason: &str| Judged::Told(EventVerdict::because(id, verdict, reason));
        if self.catalogue.is_closed(self.source) {
            return told(Verdict::SwitchedOff, "nothing of this source is taken at the moment");
        }
        let properties = Value::Object(std::mem::take(&mut event.properties));
        let subject = match self.check(&event, &properties) {
            Ok(subject) => subject,
            Err(fault) => return Judged::Told(InvalidEvent { event_id: id.to_string(), fault }.into()),
        };
        let (verdict, quarantine) = match self.catalogue.get(&event.kind) {
            None => {
                let reason = "events of this kind are not known here; they are kept apart until they are";
                (EventVerdict::because(id, Verdict::Quarantined, reason), Some("its kind was not known".to_owned()))
            }
            Some(of_type) if !of_type.definition.sources.contains(&self.source) => {
                let fault = FieldError::new("kind", format!("is not for the source {}", self.source));
                return Judged::Told(InvalidEvent { event_id: id.to_string(), fault }.into());
            }
            Some(of_type) if !of_type.definition.enabled => {
                return told(Verdict::SwitchedOff, "events of this type are not taken at the moment");
            }
            Some(of_type) => {
                if let Err(fault) = of_type.check(&properties) {
                    return Judged::Told(InvalidEvent { event_id: id.to_string(), fault }.into());
                }
                if !of_type.samples(event.session_id.map_or(id.uuid(), |session| session.uuid())) {
                    return told(Verdict::SampledOut, "a share of these events is kept, and this is none of it");
                }
                (EventVerdict::plain(id, Verdict::Accepted), None)
            }
        };
        let event = TelemetryEvent {
            subject_id: subject,
            session_id: event.session_id,
            sequence: event.sequence,
            skew_ms: self.skew_ms,
            match_id: event.match_id,
            queue: event.queue,
            region: event.region,
            platform: event.platform,
            build: event.build,
            quarantine,
            properties: match properties {
                Value::Object(properties) => properties,
                _ => Map::new(),
            },
            ..TelemetryEvent::new(id, self.source, event.kind, event.at, self.now)
        };
        Judged::Taken(Box::new(event), verdict)
    }

    /// What holds for events of every type; and whom this one is about.
    fn check(&self, event: &ClientEvent, properties: &Value) -> Result<Option<SubjectId>, FieldError> {
        if event.at > self.now + FUTURE {
            return Err(FieldError::new("at", "lies more than 10 minutes in the future; check the device's clock"));
        }
        if event.at < self.now - PAST {
            return Err(FieldError::new("at", "lies more than 7 days in the past"));
        }
        if serde_json::to_writer(Room(MAX_PROPERTIES), properties).is_err() {
            return Err(FieldError::new("properties", format!("{} KiB at most, as JSON", MAX_PROPERTIES / 1024)));
        }
        if holds_nul(properties) {
            return Err(FieldError::new("properties", "hold the character U+0000, which cannot be stored"));
        }
        match (self.own, event.player_id) {
            (Some(own), Some(other)) if own != other => {
                Err(FieldError::new("player_id", "is for trusted servers: a player's events are about that player"))
            }
            (None, None) => Ok(None),
            (Some(player), _) | (None, Some(player)) => match self.subjects.get(&player) {
                Some(subject) => Ok(Some(*subject)),
                None => Err(FieldError::new("player_id", "there is no such player")),
            },
        }
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Takes so many bytes, keeps none, and refuses what is more.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
