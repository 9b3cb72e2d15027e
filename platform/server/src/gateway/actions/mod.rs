//! What a player can do, whichever way it was asked for.

mod matches;
mod tickets;

pub use tickets::Creation;
