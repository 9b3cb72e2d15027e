//! A match at one moment, kept in its log so that a take-over need not replay what came before it.

use chrono::{DateTime, Utc};
use muster_core::game::{MatchState, Mode};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use muster_core::time::millis;
use serde::{Deserialize, Deserializer, Serialize};

use crate::codec::{hex32, nonces};

/// What a match begins with; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchBeginning {
    /// The match.
    pub match_id: MatchId,
    /// The queue that made it.
    pub queue: String,
    /// The mode it is played in.
    pub mode: Mode,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// In seat order.
    pub players: [PlayerId; 2],
    /// What they are called, in seat order.
    pub names: [String; 2],
    /// How strong they were thought to be, in seat order.
    pub ratings: [Rating; 2],
    /// Tells every roll to come: it leaves the log only when the match is over.
    #[serde(with = "hex32")]
    pub seed: [u8; 32],
    /// What the players added to it, in seat order.
    #[serde(with = "nonces")]
    pub nonces: [Option<[u8; 32]>; 2],
    /// How even it was thought to be: 0 to 1.
    pub quality: f64,
    /// Where it is played; none when its queue has no regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: DateTime<Utc>,
}

/// All that a referee knows of a match, but for the events that led there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchSnapshot {
    /// What it began with.
    pub beginning: MatchBeginning,
    /// How it stands; its version is the number of the last event.
    pub state: MatchState,
    /// The newest commands of each seat that were obeyed, oldest first, by the client's ids.
    pub answered: [Vec<String>; 2],
}

/// Where a log can be read from instead of from its beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastSnapshot {
    /// This entry has it: the match as it was *before* this entry.
    Here(Box<MatchSnapshot>),
    /// The entry with this stream sequence has it.
    At(u64),
}

/// Reads what it can: a snapshot that this version does not understand is as good as none, since the events tell the same.
pub(super) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LastSnapshot>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}
