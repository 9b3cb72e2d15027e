//! What the runtime does, seen from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is")]

mod configuration;
mod listener;
mod loki;
mod ops;
mod otlp;
mod process;
mod scratch;
mod secret_files;
mod secret_vault;
mod shutdown;
mod wait;
