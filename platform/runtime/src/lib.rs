//! What every process of Muster needs: configuration, logs, traces, metrics, health, shutdown and secrets.
//!
//! A binary reads its settings with [`load`], starts a [`Runtime`], registers its dependencies with the runtime's
//! [`Health`], spawns its work as named tasks and ends with [`Runtime::run_until_drained`]. `examples/minimal.rs` is a
//! whole process of that shape.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it is"))]

mod args;
mod config;
mod crypto;
mod health;
mod http_trace;
mod metrics;
mod ops;
mod runtime;
mod secret;
mod secret_url;
mod secrets;
pub mod settings;
mod signals;
mod tasks;
mod telemetry;
pub mod trace_context;

pub use args::CommonArgs;
pub use config::{ConfigError, Loaded, Problem, load};
pub use crypto::install_crypto;
pub use health::{Condition, DependencyReport, Health, HealthReport, Status};
pub use http_trace::http_trace;
pub use ops::ops_router;
pub use runtime::{Common, Runtime, StartError};
pub use secret::Secret;
pub use secret_url::{SecretUrl, SecretUrlError};
pub use secrets::{SecretError, SecretSource};
pub use tasks::{TaskOutcome, Tasks};
pub use telemetry::{Telemetry, TelemetryError};
