//! Behaviour of the operator's program, from outside, and of the operations files that ship with it.
//!
//! - `snapshot`: the committed definitions are what the program prints.
//! - `definitions`: a real API server accepts them, fills in defaults and refuses bad manifests in plain words.
//! - `manifests`: what is tried on it. `api_server`: starts and stops it.
//! - `alerts`: every alert has its runbook and its tests, and asks for metrics that exist.

mod alerts;
mod api_server;
mod definitions;
mod manifests;
mod snapshot;
