//! What a player or a trusted server can do, whichever way it was asked for.

mod assignments;
mod backfills;
mod blocks;
mod closures;
mod events;
mod leaderboards;
mod match_events;
mod matches;
mod servers;
mod tickets;
mod watch;

pub(super) use closures::closed;
pub(super) use events::{Room, SubjectBook};
pub(super) use matches::{Told, told};
