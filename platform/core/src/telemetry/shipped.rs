//! The event types that the platform comes with.

use serde_json::{Value, json};

use super::{EventSource, EventTypeDefinition, RetentionClass};

/// The kinds that the platform itself knows by name.
pub mod kind {
    /// A player signed in. The platform's own.
    pub const PLAYER_SIGNED_IN: &str = "player.signed_in";
    /// A ticket has ended, matched or not. The platform's own.
    pub const TICKET_ENDED: &str = "ticket.ended";
    /// A match began: once for each of its players. The platform's own.
    pub const MATCH_STARTED: &str = "match.started";
    /// A match ended: once for each of its players. The platform's own.
    pub const MATCH_ENDED: &str = "match.ended";
    /// A bot has played a match to its end: `muster-bots` tells of it as a game client would.
    pub const BOT_MATCH_PLAYED: &str = "bot.match_played";
    /// The game was opened.
    pub const SESSION_STARTED: &str = "session.started";
    /// The game was closed; `duration_ms` says how long it was open.
    pub const SESSION_ENDED: &str = "session.ended";
    /// Something went wrong in the game; `code` says what.
    pub const CLIENT_ERROR: &str = "client.error";
    /// The game lost its connection; `reason` says why, as far as it knows.
    pub const CLIENT_DISCONNECTED: &str = "client.disconnected";
}

/// The first version of each type that the platform comes with, by name: its own, which nobody else may send, and what every
/// game client has to tell.
pub fn shipped_event_types() -> Vec<EventTypeDefinition> {
    let text = |most: u32| json!({"type": "string", "maxLength": most});
    let mut types = vec![
        ours(kind::PLAYER_SIGNED_IN, "A player signed in.", &[]),
        ours(kind::TICKET_ENDED, "A ticket has ended: matched, expired, cancelled or failed.", &["wait_ms", "quality"]),
        ours(kind::MATCH_STARTED, "A match began; once for each of its players.", &["quality"]),
        ours(kind::MATCH_ENDED, "A match ended; once for each of its players.", &["duration_ms"]),
        games(kind::BOT_MATCH_PLAYED, "A bot has played a match to its end.", &json!({}), &["took_ms", "waited_ms"]),
        games(kind::SESSION_STARTED, "The game was opened.", &json!({}), &[]),
        games(
            kind::SESSION_ENDED,
            "The game was closed.",
            &json!({"duration_ms": {"type": "integer", "minimum": 0}}),
            &["duration_ms"],
        ),
        games(
            kind::CLIENT_ERROR,
            "Something went wrong in the game.",
            &json!({"code": text(64), "message": text(500)}),
            &[],
        ),
        games(kind::CLIENT_DISCONNECTED, "The game lost its connection.", &json!({"reason": text(64)}), &[]),
    ];
    types.sort_by(|one, other| one.name.cmp(&other.name));
    types
}

fn ours(name: &str, description: &str, measures: &[&str]) -> EventTypeDefinition {
    EventTypeDefinition {
        sources: vec![EventSource::Server],
        retention: RetentionClass::Long,
        ..plain(name, description, measures)
    }
}

/// What game clients tell: their own properties may stand beside those that are named here.
fn games(name: &str, description: &str, properties: &Value, measures: &[&str]) -> EventTypeDefinition {
    EventTypeDefinition {
        schema: Some(json!({"type": "object", "properties": properties})),
        ..plain(name, description, measures)
    }
}

fn plain(name: &str, description: &str, measures: &[&str]) -> EventTypeDefinition {
    EventTypeDefinition {
        name: name.to_owned(),
        version: 1,
        description: description.to_owned(),
        owner: "muster".to_owned(),
        sources: super::anybody(),
        schema: None,
        personal: Vec::new(),
        measures: measures.iter().map(|&measure| measure.to_owned()).collect(),
        sample_rate: 1.0,
        retention: RetentionClass::Standard,
        enabled: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_makes_sense_and_the_platforms_own_are_nobody_elses() {
        let types = shipped_event_types();
        for definition in &types {
            definition.validate().unwrap();
        }
        assert!(types.is_sorted_by(|one, other| one.name < other.name));
        let own: Vec<_> =
            types.iter().filter(|own| own.sources == [EventSource::Server]).map(|own| &*own.name).collect();
        assert_eq!(own, [kind::MATCH_ENDED, kind::MATCH_STARTED, kind::PLAYER_SIGNED_IN, kind::TICKET_ENDED]);
    }
}
