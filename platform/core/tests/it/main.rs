//! How the crate behaves to those who use it: whole matches, whole pools.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod banks;
mod clocks;
mod fairness;
mod invariants;
mod leaving;
mod play;
mod pool;
mod refusals;
mod sentences;
mod table;
mod true_grit;
