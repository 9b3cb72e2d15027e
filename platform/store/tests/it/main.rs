//! Behaviour of the stores against real services, each test with a database and a prefix of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is")]

mod accounts;
mod assignments;
mod audit;
mod blocks;
mod domain;
mod door;
mod follow;
mod given;
mod lead;
mod leases;
mod live;
mod match_calls;
mod match_log;
mod matches;
mod matchmaker_calls;
mod owners;
mod pool;
mod presence;
mod proposals;
mod pushes;
mod queue_facts;
mod queues;
mod recents;
mod retention;
mod service_keys;
mod settle;
mod staff;
mod store;
mod telemetry;
mod telemetry_chunks;
mod telemetry_stream;
mod ticket_chaos;
mod tickets;
