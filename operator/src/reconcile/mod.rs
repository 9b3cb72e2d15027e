//! What every controller is made of.
//!
//! A controller is a [`Work`]: it brings the world to what a resource says. [`drive`] calls it, and does the rest: pause,
//! finalizer, the span and the metrics of a reconcile, the pause before the next try by the [`Class`] of the error, and
//! the conditions that tell of it. [`conditions`] and [`status`] write the status, [`guarded`] what holds only while something is what
//! it was. [`readable`] follows the resources.

pub mod conditions;
mod drive;
mod error;
pub mod guarded;
mod readable;
pub mod status;

pub use drive::{NOW_AND_THEN, WhilePaused, Work, drive, is_paused};
pub use error::{Class, Error};
pub use kube::runtime::controller::Action;
pub use readable::{readable, watching};

/// A resource with this annotation, whatever its value but `false`, is left alone until it is gone.
pub const PAUSED: &str = "muster.dev/paused";
