//! Which servers of its game a queue's matches may be given to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most labels that a queue asks for, or a server has.
pub const MAX_SERVER_LABELS: usize = 16;

/// Which registered servers may play a queue's matches, and which of them is taken first. Its region, its capacity and the queues
/// that a server names count beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerChoice {
    /// Which of those that fit.
    pub pick: ServerPick,
    /// Only of this build: 1 to 64 printable characters; of any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Only with all of these labels, by name and value: up to 16, each of 1 to 64 printable characters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Which of the servers that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerPick {
    /// The one with the fewest free places: the others become empty, and may go.
    #[default]
    Fullest,
    /// The one with the most free places: each has the least to do.
    Emptiest,
}

impl ServerPick {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fullest => "fullest",
            Self::Emptiest => "emptiest",
        }
    }
}

/// Whether a text is a name as queues and regions have them: 1 to `max` of `a-z`, `0-9` and `-`.
pub(crate) fn is_name(text: &str, max: usize) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=max).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a text is a build, or a name or value of a label: 1 to 64 printable characters.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
