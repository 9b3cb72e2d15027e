//! A shard: the part of a queue that one matchmaker leads.

use std::fmt;
use std::str::FromStr;

/// The part of a queue that one matchmaker leads: one group of the queue's regions. Shown as `queue/group`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// The queue's name.
    pub queue: String,
    /// The group's name.
    pub group: String,
}

/// A text that names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `queue/group`")]
pub struct InvalidShard;

impl Shard {
    /// The shard of this queue and group.
    pub fn new(queue: impl Into<String>, group: impl Into<String>) -> Self {
        Self { queue: queue.into(), group: group.into() }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.queue, self.group)
    }
}

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let (queue, group) = text.split_once('/').ok_or(InvalidShard)?;
        Ok(Self::new(queue, group))
    }
}
