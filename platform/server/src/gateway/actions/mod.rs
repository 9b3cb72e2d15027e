//! What a player or a trusted server can do, whichever way it was asked for.

mod assignments;
mod backfills;
mod blocks;
mod matches;
mod tickets;

pub(super) use matches::{Told, told};
