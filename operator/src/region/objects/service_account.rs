//! Who the processes are in the cluster.

use kube::ResourceExt;
use serde_json::json;

use super::{Kind, Object, object};
use crate::crd::Region;

/// An account without a token: the processes never call the API server.
pub fn of(region: &Region) -> Object {
    let rest = json!({ "automountServiceAccountToken": false });
    object(region, Kind::ServiceAccount, region.name_any(), &[], rest)
}
