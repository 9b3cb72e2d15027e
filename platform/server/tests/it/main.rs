//! Behaviour of `muster-server` against real services: the whole way of a match, what survives, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

mod bad_http;
mod bad_socket;
mod raw;
mod schemas;
mod survival;
mod way;
