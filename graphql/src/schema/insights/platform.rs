//! Answers about the platform itself.

use async_graphql::SimpleObject;

use crate::schema::time::Time;

/// How often a kind of event happened.
#[derive(SimpleObject)]
pub struct EventKindCount {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// The kind.
    pub(super) kind: String,
    /// Who saw it: `client`, `server` or `trusted`.
    pub(super) source: String,
    /// How many events.
    pub(super) events: u64,
    /// Of all events of the group, 0 to 1.
    pub(super) share: f64,
}

impl From<muster_store::KindCount> for EventKindCount {
    fn from(facts: muster_store::KindCount) -> Self {
        Self { group: facts.group, kind: facts.kind, source: facts.source, events: facts.events, share: facts.share }
    }
}

/// What the platform counted of itself.
#[derive(SimpleObject)]
pub struct PlatformSample {
    /// The beginning of the step.
    pub(super) at: Time,
    /// Players with a socket, on average.
    pub(super) players_online: f64,
    /// The most players with a socket.
    pub(super) players_peak: u64,
    /// Tickets that waited, on average.
    pub(super) tickets_waiting: f64,
    /// Matches that were played, on average.
    pub(super) matches_running: f64,
}

impl From<muster_store::Sample> for PlatformSample {
    fn from(facts: muster_store::Sample) -> Self {
        Self {
            at: Time(facts.at),
            players_online: facts.players_online,
            players_peak: facts.players_peak,
            tickets_waiting: facts.tickets_waiting,
            matches_running: facts.matches_running,
        }
    }
}

/// How much room a hypertable takes.
#[derive(SimpleObject)]
pub struct HypertableSpace {
    /// As in `telemetry.events`.
    pub(super) table: String,
    /// How many chunks it has.
    pub(super) chunks: u64,
    /// Of them, compressed ones.
    pub(super) compressed: u64,
    /// About how many rows.
    pub(super) rows_estimate: u64,
    /// On disk, with indexes.
    pub(super) bytes: u64,
    /// Where its oldest chunk begins.
    pub(super) oldest: Option<Time>,
    /// Where its newest chunk ends.
    pub(super) newest: Option<Time>,
}

impl From<muster_store::HypertableSpace> for HypertableSpace {
    fn from(facts: muster_store::HypertableSpace) -> Self {
        Self {
            table: facts.table,
            chunks: facts.chunks,
            compressed: facts.compressed,
            rows_estimate: facts.rows_estimate,
            bytes: facts.bytes,
            oldest: facts.oldest.map(Time),
            newest: facts.newest.map(Time),
        }
    }
}
