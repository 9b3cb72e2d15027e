//! Who asks the processes for metrics, where the Prometheus operator is there.

use kube::ResourceExt;
use serde_json::json;

use super::{Kind, Object, REGION, ROLE, object};
use crate::crd::Region;

/// All processes of the Region, with its name and their role as labels.
pub fn of(region: &Region) -> Object {
    let rest = json!({ "spec": {
        // Alerts go by `job`: it is the program's name, as for processes that the operator does not run.
        "jobLabel": "app.kubernetes.io/name",
        "selector": { "matchLabels": { REGION: region.name_any() } },
        "podTargetLabels": [REGION, ROLE],
        "podMetricsEndpoints": [{ "port": "ops", "path": "/metrics", "interval": "15s" }],
    }});
    object(region, Kind::PodMonitor, region.name_any(), &[], rest)
}
