//! Behaviour of the operator's program, from outside, and of the operations files that ship with it.
//!
//! - `snapshot`: the committed definitions are what the program prints.
//! - `definitions`: a real API server accepts them, fills in defaults and refuses bad manifests in plain words.
//! - `manifests`: what is tried on it. `api_server`: starts and stops it. `api_proxy`: stands before it and loses things.
//! - `cluster`: an API server with the definitions and the shipped role; `operator`: the program, run in it.
//! - `region`: what becomes of a Region. `steady`: nothing is written when nothing has changed. `leadership`: one of two acts.
//!   `outage`: trouble that is not the operator's own. `rotation`: what becomes of a SecretRotation. `autoscaler`: of a RegionAutoscaler.
//!   `role`: the shipped role is exactly what is used. `samples`: they are accepted. `settings`: the program's settings.
//!   `traces`: each reconcile is a span.
//! - `chart`: what is rendered from the Helm chart is accepted, and allows the operator what it needs.
//! - `kubectl`: `kubectl muster`, as a person runs it.
//! - `alerts`: every alert has its runbook and its tests, and asks for metrics that exist.

mod alerts;
mod api_proxy;
mod api_server;
mod autoscaler;
mod chart;
mod cluster;
mod definitions;
mod kubectl;
mod leadership;
mod manifests;
mod operator;
mod outage;
mod region;
mod role;
mod rotation;
mod samples;
mod settings;
mod snapshot;
mod steady;
mod traces;
