//! The kit against real services and a real process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is")]

mod processes;
mod scratch;
mod staff;
