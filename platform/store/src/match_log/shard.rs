//! Which stream has which log.
//!
//! A finished log is purged, and while NATS purges a subject, nothing is appended to its stream. In one stream of all logs every
//! move would now and then wait for somebody else's match to be cleared away.

use async_nats::jetstream::stream::{Config, StorageType};
use muster_core::id::MatchId;

use crate::nats::Nats;
use crate::streams::DAY;

/// How many streams there are. Another number needs a platform without running matches: their logs would be looked for elsewhere.
const SHARDS: u8 = 16;

/// One of the streams `MATCH_0`, `MATCH_1`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard(u8);

impl Shard {
    /// Where a match's log is.
    pub fn of(match_id: MatchId) -> Self {
        // The last byte of an id is random.
        Self(match_id.uuid().as_bytes()[15] % SHARDS)
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// Its stream's name, without the platform's prefix.
    pub fn stream(self) -> String {
        format!("MATCH_{}", self.0)
    }

    /// A log's subject in it, or `*` for all, without the platform's prefix.
    pub fn subject(self, log: impl std::fmt::Display) -> String {
        format!("match.{}.{log}", self.0)
    }
}

/// The streams of all logs: one subject a match. A log is purged when its match is settled; the age only catches what was never
/// settled.
pub(crate) fn streams(nats: &Nats) -> impl Iterator<Item = Config> {
    Shard::all().map(|shard| Config {
        name: nats.stream(&shard.stream()),
        subjects: vec![nats.subject(shard.subject('*'))],
        storage: StorageType::File,
        max_age: 7 * DAY,
        allow_direct: true,
        ..Config::default()
    })
}
