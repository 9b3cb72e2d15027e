//! Behaviour of retention against real services; one noun a module.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod command_line;
mod forget;
mod jobs;
mod process;
mod runs;
mod support;
