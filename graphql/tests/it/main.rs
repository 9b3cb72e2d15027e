//! Behaviour of the staff API against real services; one noun a module.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod closures;
mod command_line;
mod dry_run;
mod errors;
mod event_types;
mod insights;
mod insights_stored;
mod leaderboards;
mod limits;
mod live;
mod matches;
mod queue_edits;
mod queues;
mod schema_file;
mod seasons;
mod servers;
mod sessions;
mod sign_in;
mod support;
mod why_not_matched;
