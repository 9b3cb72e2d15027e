//! Regions in which queues are closed.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::millis;

/// `PUT /v1/regions/{region}/closure` and `PUT /v1/queues/{queue}/regions/{region}/closure`: nobody is to be let in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRegion {
    /// Why: 1 to 500 characters. Players whom it keeps out are told.
    #[schemars(length(min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// A queue, or every queue, takes nobody in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ClosureView {
    /// Which queue; absent when it is every queue that has the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// In which region.
    pub region: String,
    /// Why, as whoever closed it said.
    pub reason: String,
    /// Since when.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub closed_at: DateTime<Utc>,
    /// Whether staff closed it: then only staff open it.
    pub by_staff: bool,
}
