//! Behaviour of `muster-server` against real services: the whole way of a match, what survives, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

mod acceptance;
mod attendance;
mod audit;
mod bad_http;
mod bad_socket;
mod blocks;
mod closures;
mod ingest;
mod ingest_limits;
mod leaderboards;
mod match_events;
mod matchmaking;
mod matchmaking_acceptance;
mod matchmaking_assignments;
mod matchmaking_claims;
mod matchmaking_given;
mod matchmaking_groups;
mod matchmaking_queues;
mod matchmaking_survival;
mod nonces;
mod queues;
mod raw;
mod referee_regions;
mod resume;
mod schemas;
mod servers;
mod settle;
mod slices;
mod slow_bodies;
mod sockets;
mod sockets_limits;
mod spectators;
mod survival;
mod table;
mod take_over;
mod telemetry;
mod telemetry_replay;
mod tickets;
mod trusted;
mod way;

/// A queue from its JSON; what is not said has its default.
fn queue(definition: serde_json::Value) -> muster_core::matchmaking::QueueDefinition {
    serde_json::from_value(definition).unwrap()
}
