//! Events over HTTP, as fast as they are taken or by the clock, each batch until it is acknowledged.
//!
//! Every player has a session and numbers its events. A sender makes a batch, sends it, and sends the same again until it is
//! acknowledged, whatever becomes of the platform meanwhile: so at the end all that was made was acknowledged, and has to be stored
//! once. Which events those were is told by their count and by a sum and an exclusive or of their ids ([`tally`]), which a
//! database can work out too.

mod args;
mod batch;
mod report;
mod run;
mod sender;
mod tally;

pub use args::Args;
pub use run::run;
