//! Tickets, as their players and trusted servers see them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::game::Nonce;
use crate::id::{MatchId, PlayerId, TicketId};
use crate::matchmaking::PropertyValue;
use crate::rating::Rating;
use crate::time::millis;

/// `POST /v1/tickets`: wait in a queue.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTicket {
    /// The queue's name.
    pub queue: String,
    /// What the player would do, best first; anything when empty. A player's own ticket only: a trusted server says it for each
    /// of `players`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How far away each region is, in milliseconds. When it names some, the ticket plays only in these; when none, in any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latencies_ms: BTreeMap<String, u16>,
    /// What the ticket says of itself, for the queue's filters: see `properties` of the queue.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
    /// What the player adds to the dice of a match of the built-in game: 32 bytes, new for every ticket. The match's first event
    /// tells it again. A player's own ticket only: a trusted server says it for each of `players`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// Trusted servers only: the party, 1 to the queue's `max_party` players with accounts. A player's own ticket has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[schema(max_items = 16)]
    pub players: Vec<TicketPlayer>,
}

impl CreateTicket {
    /// A wish without any particulars.
    pub fn plain(queue: impl Into<String>) -> Self {
        Self { queue: queue.into(), ..Self::default() }
    }
}

/// A player for whom a trusted server makes a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// How strong; the account's rating in the queue's mode when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// What the player would do, best first; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What the player adds to the dice of a match of the built-in game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// The wish of a player, or of a party, to be matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TicketView {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// The queue it waits in, or waited in.
    pub queue: String,
    /// What became of it.
    pub state: TicketState,
    /// Why it ended without a match, as a stable name: `max_wait`, `queue_changed`, `region_closed`, `shard_gone`,
    /// `declined`, `not_accepted`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it waits.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub players: Vec<PlayerId>,
    /// How long tickets have waited here lately, in milliseconds (the median), while this one waits. Absent when nobody has
    /// matched here lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_wait_ms: Option<u64>,
    /// The match that waits for everybody's yes, while the ticket is `proposed` or `accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalView>,
    /// The match, once it has matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
}

/// A match that is made when all its players have accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ProposalView {
    /// The match that it becomes.
    pub match_id: MatchId,
    /// Until when to accept or decline.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub accept_by: DateTime<Utc>,
    /// How many players have accepted.
    pub accepted: u32,
    /// How many players it is for.
    pub players: u32,
}

/// What became of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// It waits.
    Waiting,
    /// A match is found for it, and its players are asked whether they accept.
    Proposed,
    /// All its players have accepted; others of the match have not yet.
    Accepted,
    /// It has a match.
    Matched,
    /// Its player, or the trusted server that made it, gave it up.
    Cancelled,
    /// It waited as long as its queue allows.
    Expired,
    /// It had to leave its queue; `reason` says why.
    Failed,
}

impl TicketState {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            TicketState::Waiting => "waiting",
            TicketState::Proposed => "proposed",
            TicketState::Accepted => "accepted",
            TicketState::Matched => "matched",
            TicketState::Cancelled => "cancelled",
            TicketState::Expired => "expired",
            TicketState::Failed => "failed",
        }
    }

    /// Whether it still holds its players: they cannot have another.
    pub const fn is_live(self) -> bool {
        matches!(self, TicketState::Waiting | TicketState::Proposed | TicketState::Accepted)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wish_may_say_no_more_than_its_queue() {
        let plain: CreateTicket = serde_json::from_value(json!({"queue": "classic-ranked"})).unwrap();
        assert_eq!(plain, CreateTicket::plain("classic-ranked"));
        assert_eq!(serde_json::to_value(&plain).unwrap(), json!({"queue": "classic-ranked"}));
        assert!(serde_json::from_value::<CreateTicket>(json!({"queue": "a", "region": "mars"})).is_err());
    }

    #[test]
    fn a_party_comes_with_ratings_and_roles() {
        let value = json!({
            "queue": "fives",
            "latencies_ms": {"eu-west": 30},
            "properties": {"build": "1.2", "level": 7.0},
            "players": [
                {"player_id": "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f405", "rating": {"points": 1600.0, "deviation": 80.0}},
                {"player_id": "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f406", "roles": ["tank", "healer"]},
            ],
        });
        let ticket: CreateTicket = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(ticket.players[0].rating.map(|rating| rating.points), Some(1600.0));
        assert_eq!(serde_json::to_value(&ticket).unwrap(), value);
    }

    #[test]
    fn answers_of_an_earlier_server_can_be_read() {
        let view: TicketView = serde_json::from_value(json!({
            "ticket_id": "tkt_0192f0c1e1c07b2cb4b1a7d1c2e3f405", "queue": "classic-ranked", "state": "waiting",
            "created_at": "2026-01-31T09:30:00.125Z",
        }))
        .unwrap();
        assert!(view.state.is_live() && view.players.is_empty() && view.proposal.is_none());
    }
}
