//! A ticket: the wish of one player, or of a party, to be matched.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::PropertyValue;
use crate::game::Nonce;
use crate::id::{BackfillId, MatchId, PlayerId, TicketId};
use crate::rating::Rating;
use crate::time::millis;

/// The wish of one player, or of a party, to be matched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// Since when it waits.
    #[serde(with = "millis")]
    pub enqueued_at: DateTime<Utc>,
    /// Whether it goes before others: it was matched once, and that match came to nothing through no fault of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
    /// Whose it is: at least one; a party stays together.
    pub members: Vec<Member>,
    /// How far away each region is, in milliseconds. When it names some, it plays only in these; when none, in any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latencies_ms: BTreeMap<String, u16>,
    /// What it says of itself, for the queue's filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
}

/// A player of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub player_id: PlayerId,
    /// How strong, in the queue's mode.
    pub rating: Rating,
    /// What the player would do, best first; anything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whom the player never plays with or against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<PlayerId>,
    /// Whom the player has played against lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<PlayerId>,
    /// What the player adds to the dice of the match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

impl Ticket {
    /// The plain ticket of one player.
    pub fn solo(ticket_id: TicketId, player_id: PlayerId, rating: Rating, enqueued_at: DateTime<Utc>) -> Self {
        Self {
            ticket_id,
            enqueued_at,
            returned: false,
            members: vec![Member::new(player_id, rating)],
            latencies_ms: BTreeMap::new(),
            properties: BTreeMap::new(),
        }
    }

    /// How long it has waited; nothing when it comes from a clock that is ahead.
    pub fn waited(&self, now: DateTime<Utc>) -> Duration {
        (now - self.enqueued_at).to_std().unwrap_or_default()
    }

    /// Its players.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> + '_ {
        self.members.iter().map(|member| member.player_id)
    }

    /// Whether the player is one of its members.
    pub fn is_of(&self, player: PlayerId) -> bool {
        self.players().any(|member| member == player)
    }
}

impl Member {
    /// A player who does anything and avoids nobody.
    pub fn new(player_id: PlayerId, rating: Rating) -> Self {
        Self { player_id, rating, roles: Vec::new(), blocked: Vec::new(), recent: Vec::new(), nonce: None }
    }
}

/// The wish of a running match for more players.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backfill {
    /// Which wish.
    pub backfill_id: BackfillId,
    /// For which match.
    pub match_id: MatchId,
    /// Since when.
    #[serde(with = "millis")]
    pub requested_at: DateTime<Utc>,
    /// Where the match is played; none when the queue has no regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What the match says of itself: the queue's filters hold between this and each newcomer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyValue>,
    /// The teams as they are, in order: as many as the queue's `teams.count`.
    pub teams: Vec<BackfillTeam>,
}

/// A team that may want players.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillTeam {
    /// Who is there.
    pub players: Vec<BackfillPlayer>,
    /// How many are wanted; with who is there, no more than the queue's `teams.size.max`.
    pub open: u8,
}

/// A player of a running match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// How strong.
    pub rating: Rating,
    /// What the player does; none when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whom the player never plays with or against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<PlayerId>,
    /// Whom the player has played against lately, when the match asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<PlayerId>,
}

impl BackfillPlayer {
    /// A player without a role who avoids nobody.
    pub fn new(player_id: PlayerId, rating: Rating) -> Self {
        Self { player_id, rating, role: None, blocked: Vec::new(), recent: Vec::new() }
    }
}
