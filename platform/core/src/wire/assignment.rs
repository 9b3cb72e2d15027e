//! Matches that are played on somebody's own servers: what a trusted server is told, and what it answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FieldError;
use crate::id::{BackfillId, MatchId, PlayerId, TicketId};
use crate::matchmaking::PropertyValue;
use crate::rating::Rating;
use crate::time::millis;

/// The most characters of a connection.
pub const MAX_CONNECTION: usize = 256;

/// A match that waits for a server to be played on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct AssignmentView {
    /// Which match.
    pub match_id: MatchId,
    /// The queue it came from.
    pub queue: String,
    /// Where it is to be played; absent when the queue has no regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who plays with whom, team by team.
    pub teams: Vec<Vec<AssignedPlayer>>,
    /// How even it is: 0 to 1.
    pub quality: f64,
    /// Until when to answer; after that its tickets return to the head of their queue.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub expires_at: DateTime<Utc>,
    /// Where players connect to, once a server has been assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The running match that these players join, when they were asked for by a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill_of: Option<MatchId>,
}

/// A player of a match that waits for a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct AssignedPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// The player's ticket: players of one ticket are a party.
    pub ticket_id: TicketId,
    /// What the player does; absent when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A player of a match, as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TeamPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// What the player does; absent when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// `PUT /v1/assignments/{match_id}`: the match is played here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// Where players connect to, as the game's clients understand it (`203.0.113.7:7777`): 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    pub connection: String,
}

impl Assign {
    /// Checks the length and characters.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn validate(&self) -> Result<(), FieldError> {
        let length = self.connection.chars().count();
        if length == 0 || length > MAX_CONNECTION || self.connection.chars().any(char::is_control) {
            return Err(FieldError::new("connection", "1 to 256 characters, none of them a control character"));
        }
        Ok(())
    }
}

/// `POST /v1/matches/{match_id}/backfill`: a running match asks for players. They are found before any new match is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestBackfill {
    /// The queue to take players from.
    pub queue: String,
    /// Where the match is played: one of the queue's regions; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What the match says of itself, for the queue's filters: they hold between it and each newcomer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
    /// The teams as they are, in order: as many as the queue's matches have.
    #[schemars(length(min = 1, max = 16))]
    #[schema(min_items = 1, max_items = 16)]
    pub teams: Vec<OpenTeam>,
}

/// A team that may want players.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTeam {
    /// Who is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    #[schema(max_items = 128)]
    pub players: Vec<PresentPlayer>,
    /// How many are wanted; with who is there, no more than the queue's teams have at most.
    pub open: u8,
}

/// A player of a running match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresentPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// How strong; the account's rating in the queue's mode when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// What the player does; absent when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The wish of a running match for more players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct BackfillView {
    /// Which wish.
    pub backfill_id: BackfillId,
    /// For which match.
    pub match_id: MatchId,
    /// The queue its players come from.
    pub queue: String,
    /// Since when.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub requested_at: DateTime<Utc>,
    /// How many players are wanted.
    pub open: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_1_to_256_printable_characters() {
        let check = |connection: &str| Assign { connection: connection.to_owned() }.validate();
        assert_eq!(check("203.0.113.7:7777"), Ok(()));
        assert_eq!(check(&"ü".repeat(256)), Ok(()));
        for wrong in ["", "a\nb", &"x".repeat(257)] {
            assert_eq!(check(wrong).unwrap_err().path, "connection");
        }
    }
}
