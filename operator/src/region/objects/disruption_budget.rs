//! How many processes an orderly eviction may take at once.

use serde_json::json;

use super::{Kind, Object, REGION, ROLE, object, process_name};
use crate::crd::{Region, region::RegionRole};
use kube::ResourceExt;

/// One at a time: each has 25 s to hand over what it holds.
pub fn of(region: &Region, role: &RegionRole) -> Object {
    let rest = json!({ "spec": {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": { "matchLabels": { REGION: region.name_any(), ROLE: role.name.as_str() } },
    }});
    let labels = [(ROLE, role.name.as_str())];
    object(region, Kind::PodDisruptionBudget, process_name(region, role.name), &labels, rest)
}
