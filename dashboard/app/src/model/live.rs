//! The counts that move, and what happened minute by minute.

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

/// The platform at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveCounts {
    #[serde(with = "ts_milliseconds")]
    pub at: DateTime<Utc>,
    pub players_online: i64,
    pub tickets_waiting: i64,
    pub matches_running: i64,
    pub matches_finished: i64,
    pub events_stored: i64,
    pub events_per_minute: i64,
}

/// One minute of the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActivityPoint {
    #[serde(with = "ts_milliseconds")]
    pub minute: DateTime<Utc>,
    pub matches_finished: i64,
    pub events: i64,
}

/// Everything the overview starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overview {
    pub live: LiveCounts,
    pub activity: Vec<ActivityPoint>,
}
