//! How the crate behaves to those who use it: whole matches, whole pools.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backfill;
mod banks;
mod clocks;
mod closed;
mod evening;
mod fairness;
mod given;
mod invariants;
mod leaving;
mod leftover;
mod play;
mod pool;
mod refusals;
mod rules;
mod sentences;
mod table;
mod true_grit;
