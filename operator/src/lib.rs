//! muster-operator: Muster's resources in Kubernetes, and what makes them so.
//!
//! - [`crd`]: what the three resources look like: `Region`, `RegionAutoscaler`, `SecretRotation`.
//! - [`cli`]: the command line. [`settings`]: what can be set. [`serve`]: the process.
//! - [`leadership`]: only one process of several acts at a time. [`controllers`]: what it then runs.
//! - [`reconcile`]: what every controller is made of. [`context`]: what every controller is given.
//! - [`region`]: makes a Region's processes run.
//! - [`rotation`]: replaces secrets while both versions work, from [`vault`].
//! - [`autoscaler`]: decides how many processes of a role a Region runs.
//! - [`kubectl`]: `kubectl muster`, for the person who looks after them.
//! - [`timing`]: lengths of time and cron lines, as resources write them.
//! - `api_calls`: which permissions are used. `events`: what is logged and counted.

mod api_calls;
pub mod autoscaler;
pub mod cli;
pub mod context;
pub mod controllers;
pub mod crd;
mod events;
pub mod kubectl;
pub mod leadership;
pub mod reconcile;
pub mod region;
pub mod rotation;
pub mod serve;
pub mod settings;
pub mod timing;
pub mod vault;
