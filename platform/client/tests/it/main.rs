//! The SDK against a platform that does as it is told, and against the real one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is")]

mod dedicated_example;
mod delivery;
mod duel;
mod reconnect;
mod rest;
mod scripted;
mod tokens;
mod verify_example;
mod watching;
