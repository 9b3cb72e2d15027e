//! Watching other players' matches over the socket: read-only, and a while behind.
//!
//! What is watched is no part of the player's numbered pushes: it is not kept, and a client that comes back asks again, with the
//! last event that it has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LoggedEvent, MatchView};
use crate::id::MatchId;

/// The most matches that one socket watches at once.
pub const MAX_WATCHED: usize = 4;

/// The most events in one [`WatchEvents`].
pub const MAX_WATCH_EVENTS: usize = 64;

/// A match is watched from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct WatchBegan {
    /// The match as it was before its first event; its events tell the rest. Where the queue has them, names and ratings.
    pub r#match: MatchView,
    /// How far behind the match the watcher is kept, in milliseconds.
    pub delay_ms: u64,
    /// The events that follow come after this number: those up to it are not told again, read them from the match's log.
    pub after: u64,
}

/// The next events of a match that is watched, once they are old enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct WatchEvents {
    /// Which match.
    pub match_id: MatchId,
    /// The events, in order, without gaps.
    pub events: Vec<LoggedEvent>,
}

/// A match is watched no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct WatchEnded {
    /// Which match.
    pub match_id: MatchId,
    /// Why.
    pub reason: WatchEnd,
    /// The match as it ended, with its seed, when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#match: Option<MatchView>,
}

/// Why a match is watched no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchEnd {
    /// It is over, and its last event was told.
    Over,
    /// The client fell so far behind that events it has not been told are no longer at hand. It may ask again.
    TooSlow,
    /// The match cannot be followed right now. The client may ask again.
    Unavailable,
}

impl WatchEnd {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            WatchEnd::Over => "over",
            WatchEnd::TooSlow => "too_slow",
            WatchEnd::Unavailable => "unavailable",
        }
    }
}
