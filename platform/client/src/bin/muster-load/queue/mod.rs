//! Players ask for matches, and a clock runs beside each ticket.
//!
//! Either all ask at one moment, or tickets come by the clock, so many a second, whatever becomes of those before them. Measured
//! is what a player waits: from `ticket.create` to its acknowledgement, and to `match.found`. Every match is checked while it
//! goes ([`book`]), every last ticket afterwards ([`tickets`]).

mod args;
mod book;
mod player;
mod report;
mod run;
mod tickets;
mod wire;

pub use args::Args;
pub use run::run;
