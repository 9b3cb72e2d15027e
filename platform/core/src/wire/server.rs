//! Servers of a game that register themselves.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FieldError, MAX_CONNECTION, ServerMatchView};
use crate::id::ServerId;
use crate::matchmaking::{MAX_SERVER_LABELS, is_label, is_name};
use crate::time::millis;

/// The most matches that one server plays at once.
pub const MAX_CAPACITY: u16 = 1_000;

/// The most queues that one server names.
const MAX_QUEUES: usize = 64;

/// `PUT /v1/servers/{id}`: a server of the game is there. The id is made by the server, afresh for every start of its process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterServer {
    /// Where players connect to, as the game's clients understand it (`203.0.113.7:7777`): 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    pub address: String,
    /// Where it stands: matches of that region only. 1 to 32 of `a-z`, `0-9` and `-`; absent where the queues have no regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Which build of the game it runs: 1 to 64 printable characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// What a queue may ask for: up to 16, names and values of 1 to 64 printable characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whose matches it plays: up to 64 names of queues; any queue's when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// How many matches it plays at once: 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000)]
    pub capacity: u16,
}

impl RegisterServer {
    /// Checks every field.
    ///
    /// # Errors
    /// Each field whose value is not allowed.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, path: &str, allowed: &str| {
            if !holds {
                faults.push(FieldError::new(path, allowed));
            }
        };
        let address = self.address.chars().count();
        let printable = !self.address.chars().any(char::is_control);
        require(
            (1..=MAX_CONNECTION).contains(&address) && printable,
            "address",
            "1 to 256 characters, none of them a control character",
        );
        require(
            self.region.as_deref().is_none_or(|region| is_name(region, 32)),
            "region",
            "1 to 32 of `a-z`, `0-9` and `-`",
        );
        require(self.build.as_deref().is_none_or(is_label), "build", "1 to 64 printable characters");
        require(self.labels.len() <= MAX_SERVER_LABELS, "labels", "16 at most");
        let labels = self.labels.iter().all(|(name, value)| is_label(name) && is_label(value));
        require(labels, "labels", "names and values of 1 to 64 printable characters");
        require(self.queues.len() <= MAX_QUEUES, "queues", "64 at most");
        require(self.queues.iter().all(|queue| is_name(queue, 64)), "queues", "names of queues");
        require((1..=MAX_CAPACITY).contains(&self.capacity), "capacity", "1 to 1000");
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerReport {
    /// Not ready for matches, or not for now.
    Starting,
    /// Ready for matches.
    Ready,
    /// No new matches any more: it ends when its last one has.
    Draining,
}

impl ServerReport {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// `POST /v1/servers/{id}/heartbeat`: it is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// How it is.
    pub state: ServerReport,
    /// How busy its machine is, in percent: at 100 it is given nothing new, whatever its capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    #[schema(maximum = 100)]
    pub load_percent: Option<u8>,
}

impl Heartbeat {
    /// Checks the range.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn validate(&self) -> Result<(), FieldError> {
        match self.load_percent {
            Some(101..) => Err(FieldError::new("load_percent", "0 to 100")),
            _ => Ok(()),
        }
    }
}

/// How a server is, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Registered, not ready for matches.
    Starting,
    /// Ready, and has none.
    Ready,
    /// Ready, and has matches.
    Allocated,
    /// Gets nothing new.
    Draining,
    /// Fell silent: its matches were ended.
    Lost,
    /// It drained, and is done.
    Gone,
}

impl ServerState {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Allocated => "allocated",
            Self::Draining => "draining",
            Self::Lost => "lost",
            Self::Gone => "gone",
        }
    }

    /// Whether it is over.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Lost | Self::Gone)
    }
}

/// A server, as its own service key sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ServerView {
    /// Which server.
    pub server_id: ServerId,
    /// What it registered.
    pub registered: RegisterServer,
    /// How it is.
    pub state: ServerState,
    /// How many matches it has.
    pub matches: u16,
    /// What it said last of how busy it is, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_percent: Option<u8>,
    /// Since when.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub registered_at: DateTime<Utc>,
    /// Without a heartbeat until then it counts as lost.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub lease_until: DateTime<Utc>,
}

/// The answer to registering and to a heartbeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ServerOrders {
    /// The server, as the platform sees it.
    pub server: ServerView,
    /// Send a heartbeat at least so often, in seconds; about every second while matches are expected, since they are told here.
    pub heartbeat_secs: u32,
    /// The `iss` of join tokens.
    pub issuer: String,
    /// Matches that it was given, or whose players have become more, and that it has not started or acknowledged yet: 100 at most.
    pub matches: Vec<ServerMatchView>,
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
