//! Many matches at once, one move a second each, among idle sockets.
//!
//! All players are real: each has a socket, queues, plays by a bot's habit, and queues again when the match is over. A move's
//! clock runs from the moment before it is sent until *both* players have read its events. What both are told is compared event
//! by event ([`table`]), numbers of pushes may have no holes ([`hall`]), and afterwards the platform's own log has to say the
//! same, with dice that follow from the seed ([`audit`]).

mod args;
mod audit;
mod hall;
mod idle;
mod memory;
mod player;
mod report;
mod run;
mod schedule;
mod table;
mod wire;

pub use args::Args;
pub use run::run;
