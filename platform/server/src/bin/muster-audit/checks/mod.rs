//! What must be true, one noun a file.

pub mod history;
pub mod leaderboards;
pub mod matches;
pub mod ratings;
pub mod replay;
pub mod running;
pub mod telemetry;
pub mod tickets;
