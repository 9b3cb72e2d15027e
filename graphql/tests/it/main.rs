//! Behaviour of the staff API against real services; one noun a module.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod command_line;
mod errors;
mod limits;
mod live;
mod matches;
mod schema_file;
mod sessions;
mod sign_in;
mod support;
