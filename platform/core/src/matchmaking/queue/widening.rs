//! What widens while a ticket waits: how far apart ratings may be, and how far away a region.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far apart two ratings may be, and how that widens while a ticket waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingWindow {
    /// Points of difference allowed at first; null allows any.
    pub start: Option<u32>,
    /// How it widens: later steps are later and wider. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<WindowStep>,
}

/// One widening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowStep {
    /// From so many seconds of waiting on.
    pub after_secs: u32,
    /// Points of difference allowed from then on; null allows any.
    pub window: Option<u32>,
}

impl RatingWindow {
    /// Any difference, at once.
    pub const fn any() -> Self {
        Self { start: None, steps: Vec::new() }
    }

    /// The difference in points that a ticket allows after `waited`; infinite when any.
    pub fn after(&self, waited: Duration) -> f64 {
        self.width(self.level(waited))
    }

    /// How many steps a ticket has behind it after `waited`: 0 to the number of steps.
    pub(in crate::matchmaking) fn level(&self, waited: Duration) -> usize {
        self.steps.partition_point(|step| u64::from(step.after_secs) <= waited.as_secs())
    }

    /// The difference in points that is allowed after so many steps; infinite when any.
    pub(in crate::matchmaking) fn width(&self, level: usize) -> f64 {
        let window = match level {
            0 => self.start,
            _ => self.steps[level - 1].window,
        };
        window.map_or(f64::INFINITY, f64::from)
    }
}

/// How far away players of a region may be, and how that widens while a ticket waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyBound {
    /// Milliseconds allowed at first; null allows any.
    pub start_ms: Option<u16>,
    /// How it widens: later steps are later and wider. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<LatencyStep>,
}

/// One widening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyStep {
    /// From so many seconds of waiting on.
    pub after_secs: u32,
    /// Milliseconds allowed from then on; null allows any.
    pub max_ms: Option<u16>,
}

impl LatencyBound {
    /// The latency in milliseconds that a ticket allows after `waited`; none when any.
    pub fn after(&self, waited: Duration) -> Option<u16> {
        match self.steps.partition_point(|step| u64::from(step.after_secs) <= waited.as_secs()) {
            0 => self.start_ms,
            behind => self.steps[behind - 1].max_ms,
        }
    }
}
