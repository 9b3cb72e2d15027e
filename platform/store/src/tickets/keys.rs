//! The names of the keys that tickets live under; see the module's table.

use std::fmt::Display;
use std::sync::Arc;

use muster_core::id::MatchId;

use super::Shard;

#[derive(Clone)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub fn new(prefix: String) -> Self {
        Self { prefix: prefix.into() }
    }

    /// What all of them begin with. It holds the hash tag, so it is also the key by which a script finds its slot.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn pool(&self, shard: &Shard) -> String {
        self.key("pool", shard)
    }

    pub fn revision(&self, shard: &Shard) -> String {
        self.key("revision", shard)
    }

    pub fn changes(&self, shard: &Shard) -> String {
        self.key("changes", shard)
    }

    pub fn backfills(&self, shard: &Shard) -> String {
        self.key("backfills", shard)
    }

    pub fn estimate(&self, shard: &Shard) -> String {
        self.key("estimate", shard)
    }

    pub fn proposals(&self, shard: &Shard) -> String {
        self.key("proposals", shard)
    }

    pub fn proposal(&self, match_id: MatchId) -> String {
        self.key("proposal", match_id)
    }

    pub fn plan(&self, match_id: MatchId) -> String {
        self.key("plan", match_id)
    }

    pub fn backfill(&self, match_id: MatchId) -> String {
        self.key("backfill", match_id)
    }

    pub fn claimed(&self) -> String {
        format!("{}claimed", self.prefix)
    }

    pub fn shards(&self) -> String {
        format!("{}shards", self.prefix)
    }

    fn key(&self, noun: &str, of: impl Display) -> String {
        format!("{}{noun}:{of}", self.prefix)
    }
}
