//! `[shutdown]`: how long a process may take to end.

use std::time::Duration;

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::duration_within;

/// `[shutdown]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// From the first signal to the exit, 1 s to 10 min. The last tenth (2 s at most) is kept for flushing logs and traces.
    #[serde(with = "humantime_serde")]
    #[garde(custom(duration_within(Duration::from_secs(1), Duration::from_secs(600))))]
    pub grace: Duration,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(25) }
    }
}
