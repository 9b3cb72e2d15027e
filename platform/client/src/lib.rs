#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod bot;
mod client;
mod connection;
mod error;
#[cfg(test)]
mod fixture;
mod mirror;
mod session;
mod trusted;
pub mod verify;

pub use client::Client;
pub use connection::{Caller, ClientEvent, ConnectOptions, Connection, DisconnectReason, TicketOptions};
pub use error::ClientError;
pub use mirror::{Gap, MatchMirror};
pub use muster_core as core;
pub use session::Session;
pub use trusted::{GameServer, TrustedServer};
#[cfg(feature = "dedicated")]
pub use trusted::{JoinCheck, JoinError};
