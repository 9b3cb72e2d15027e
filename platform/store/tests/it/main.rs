//! Behaviour of the stores against real services, each test with a database and a prefix of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is")]

mod accounts;
mod audit;
mod domain;
mod follow;
mod given;
mod leases;
mod live;
mod match_calls;
mod match_log;
mod matches;
mod owners;
mod pool;
mod presence;
mod pushes;
mod queues;
mod retention;
mod settle;
mod staff;
mod store;
mod telemetry;
mod telemetry_chunks;
mod telemetry_stream;
mod tickets;
