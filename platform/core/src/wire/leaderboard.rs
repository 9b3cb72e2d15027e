//! Who stands where in a mode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::game::Mode;
use crate::id::PlayerId;

/// A player on a leaderboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RankedPlayer {
    /// 1 is the best. Everybody has their own: of the same score, whoever has the older account stands before.
    pub rank: u64,
    /// Who.
    pub player_id: PlayerId,
    /// Their name, while they have an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// In points: the rating less three times its deviation, 0 for a new player.
    pub score: f64,
}

/// A page of a leaderboard, the best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Leaderboard {
    /// Of which mode.
    pub mode: Mode,
    /// How many stand on it: who has played the mode ranked.
    pub players: u64,
    /// This page of them.
    pub ranked: Vec<RankedPlayer>,
    /// The `after` of the next page; absent when this page is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_cursor: Option<String>,
}

/// Where a player stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PlayerStanding {
    /// In which mode.
    pub mode: Mode,
    /// How many stand on the leaderboard.
    pub players: u64,
    /// 1 is the best.
    pub rank: u64,
    /// In points: the rating less three times its deviation.
    pub score: f64,
    /// The player and those next to them on either side, the best first.
    pub around: Vec<RankedPlayer>,
}
