//! The platform's pure rules: no I/O, no async, no clock and no randomness of its own. Time and chance come in as arguments.
//!
//! - [`id`]: identifiers with a readable prefix (`ply_…`, `mch_…`).
//! - [`time`]: how moments are written: UTC, RFC 3339, milliseconds.
//! - [`game`]: the built-in dice game: `decide` what happens, `evolve` the state by it.
//! - [`rating`]: how strong a player is, and how even a match.
//! - [`matchmaking`]: queues, and the pool that proposes matches.
//! - [`telemetry`]: event types as data: what an event of each kind says, and what becomes of it.
//! - [`wire`]: what game clients and the server say to each other.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod game;
pub mod id;
pub mod matchmaking;
pub mod rating;
pub mod telemetry;
pub mod time;
pub mod wire;
