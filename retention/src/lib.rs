//! Retention: what is kept only for a time, and the jobs that let it go.
//!
//! - [`cli`]: the command line. [`settings`]: what can be set. [`serve`]: the process.
//! - [`policy`]: what there is to let go, and letting it go. [`report`]: what a run did, for people and for machines.
//! - [`planner`]: makes a job of every policy that is due. [`worker`]: takes jobs and does them.
//! - [`forget`]: what telemetry knows of a player, on request.
//! - [`job`]: what a job says. `events`: what is logged and counted.

pub mod cli;
pub mod forget;
pub mod job;
pub mod planner;
pub mod policy;
pub mod report;
pub mod serve;
pub mod settings;
pub mod worker;

mod events;
