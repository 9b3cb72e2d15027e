//! An event as facts are made of it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{MatchId, SessionId, SubjectId};
use serde::Deserialize;

use crate::{TelemetryEvent, TelemetrySource, codec};

/// An event that is stored now and was not before.
#[derive(Debug, Clone)]
pub struct SeenEvent<'a> {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who saw it: facts of matches and tickets are taken from the platform's own events only.
    pub source: TelemetrySource,
    /// What it is.
    pub kind: &'a str,
    /// Whom it is about.
    pub subject_id: Option<SubjectId>,
    /// In which run of the client.
    pub session_id: Option<SessionId>,
    /// In which match.
    pub match_id: Option<MatchId>,
    /// In which mode.
    pub mode: Option<Mode>,
    /// In which queue.
    pub queue: Option<&'a str>,
    /// In which region.
    pub region: Option<&'a str>,
    /// On what platform.
    pub platform: Option<&'a str>,
    /// By which build of the client.
    pub build: Option<&'a str>,
    /// Its properties, a JSON object; looked at for few kinds only.
    pub properties: Cow<'a, str>,
}

impl<'a> From<&'a TelemetryEvent> for SeenEvent<'a> {
    fn from(event: &'a TelemetryEvent) -> Self {
        let told = event.source == TelemetrySource::Server && [TICKET_ENDED, MATCH_ENDED].contains(&&*event.kind);
        Self {
            at: event.at,
            source: event.source,
            kind: &event.kind,
            subject_id: event.subject_id,
            session_id: event.session_id,
            match_id: event.match_id,
            mode: event.mode,
            queue: event.queue.as_deref(),
            region: event.region.as_deref(),
            platform: event.platform.as_deref(),
            build: event.build.as_deref(),
            properties: if told { codec::to_json_text(&event.properties).into() } else { "{}".into() },
        }
    }
}

/// The platform's word of a ticket's end; see `queue_facts` for its properties.
pub(super) const TICKET_ENDED: &str = "ticket.ended";

/// The platform's word of a match's end: one for each of its players.
pub(super) const MATCH_ENDED: &str = "match.ended";

/// Whether a kind tells of an error of the client: its last part is `error`, `crash`, `crashed` or `exception`.
pub(super) fn is_error(kind: &str) -> bool {
    ["error", "crash", "crashed", "exception"].contains(&last_part(kind))
}

/// Whether a kind tells of a lost connection: its last part is `disconnected` or `connection_lost`.
pub(super) fn is_disconnect(kind: &str) -> bool {
    ["disconnected", "connection_lost"].contains(&last_part(kind))
}

fn last_part(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

/// What `ticket.ended` says. Each property for itself: one of another type counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TicketProperties {
    #[serde(deserialize_with = "lenient")]
    pub outcome: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub wait_ms: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub quality: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub party_size: Option<f64>,
}

/// What `match.ended` says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MatchProperties {
    #[serde(deserialize_with = "lenient")]
    pub seat: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub outcome: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub won: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    pub duration_ms: Option<f64>,
    /// What all of its players have, or that they differ; the event itself tells its own player's.
    #[serde(deserialize_with = "lenient")]
    pub match_platform: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub match_build: Option<String>,
}

fn lenient<'de, D: serde::Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_tell_errors_and_disconnects() {
        assert!(["error", "client.error", "shop.ui.crashed"].into_iter().all(is_error));
        assert!(!["errors", "error.shown", "", "level.up"].into_iter().any(is_error));
        assert!(is_disconnect("net.disconnected") && !is_disconnect("disconnected.at"));
    }

    #[test]
    fn a_property_of_another_type_does_not_cost_the_others() {
        let read: TicketProperties =
            serde_json::from_str(r#"{"outcome":7,"wait_ms":12.5,"quality":null,"recorded":{"a":[1]}}"#).unwrap();
        assert_eq!((read.outcome, read.wait_ms, read.quality), (None, Some(12.5), None));
    }
}
