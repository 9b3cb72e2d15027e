//! Behaviour of `muster-server` against real services: the whole way of a match, what survives, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

mod acceptance;
mod bad_http;
mod bad_socket;
mod blocks;
mod matchmaking;
mod matchmaking_acceptance;
mod matchmaking_assignments;
mod matchmaking_given;
mod matchmaking_queues;
mod matchmaking_survival;
mod queues;
mod raw;
mod schemas;
mod survival;
mod tickets;
mod trusted;
mod way;

/// A queue from its JSON; what is not said has its default.
fn queue(definition: serde_json::Value) -> muster_core::matchmaking::QueueDefinition {
    serde_json::from_value(definition).unwrap()
}
