//! The process that players talk to. Each role is a room of its own, and any process may take on any of them:
//!
//! - [`gateway`]: HTTP and sockets; says who is calling, passes on what they want.
//! - [`matchmaker`]: leads queues, claims tickets, begins matches.
//! - [`director`]: servers of games, and the matches they are given; goes with the matchmaker.
//! - [`referee`]: owns running matches; their log is the truth.
//! - [`writer`]: telemetry from the stream into the hypertable.
//!
//! Beside the roles: [`auth`] (tokens and keys), [`error`] (every refusal, in one catalogue), [`events`] (what is logged and
//! counted), [`telemetry`] (the platform's own events on their way out), [`queue_publisher`] (queues on their way to every process),
//! [`closures`] (regions that are closed),
//! [`settings`].

pub mod auth;
pub mod closures;
pub mod director;
pub mod error;
pub mod events;
mod facts;
pub mod gateway;
pub mod matchmaker;
pub mod queue_publisher;
pub mod referee;
pub mod settings;
pub mod telemetry;
pub mod urgency;
pub mod writer;
