//! Matches, as their players see them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::game::{GameEvent, Mode, Outcome, Seat};
use crate::id::{MatchId, PlayerId};
use crate::time::millis;

/// A match at one moment. What led there is in its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct MatchView {
    /// Which match.
    pub match_id: MatchId,
    /// The queue it came from.
    pub queue: String,
    /// The rules it is played by.
    pub mode: Mode,
    /// Whether it is over.
    pub state: MatchStatus,
    /// Who plays: two, in seat order.
    pub players: Vec<MatchPlayer>,
    /// SHA-256 of the seed that all rolls derive from, as 64 hex digits.
    pub commitment: String,
    /// The seed, as 64 hex digits, once the match is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it was over.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The sequence number of the last event that is in this view.
    pub version: u64,
    /// The banked scores, in seat order.
    pub totals: [u32; 2],
    /// Whose turn it is, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Seat>,
}

/// Whether a match is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchStatus {
    /// It is played.
    Running,
    /// It has its outcome.
    Finished,
}

impl MatchStatus {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            MatchStatus::Running => "running",
            MatchStatus::Finished => "finished",
        }
    }
}

/// A player of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct MatchPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// The name as others see it.
    pub display_name: String,
    /// Where.
    pub seat: Seat,
    /// Points in the match's mode, before the match.
    pub rating: f64,
}

/// An event with its place in the match's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct LoggedEvent {
    /// Counts from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: GameEvent,
}

/// `GET /v1/matches/{id}/events?after=&first=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct EventPage {
    /// The events after the cursor, in order.
    pub events: Vec<LoggedEvent>,
    /// Give it as `after` for the next page: the last event's sequence number, or the cursor itself on an empty page.
    pub end_cursor: u64,
    /// Whether there are more already.
    pub has_next: bool,
}

/// How a match ended, once it is settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct MatchResult {
    /// How.
    pub outcome: Outcome,
    /// The seed that all rolls derive from, as 64 hex digits: hash it to get the commitment.
    pub seed: String,
    /// What it did to the ratings, in seat order; before and after are the same when it moved none.
    pub ratings: Vec<RatingChange>,
}

/// What a match did to one player's rating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RatingChange {
    /// Whose.
    pub player_id: PlayerId,
    /// Points before the match.
    pub before: f64,
    /// Points after it.
    pub after: f64,
}
