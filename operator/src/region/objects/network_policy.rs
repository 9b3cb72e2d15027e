//! Who may reach the processes.

use kube::ResourceExt;
use serde_json::json;

use super::{Kind, OPS_PORT, Object, PLAYERS_PORT, REGION, object};
use crate::crd::Region;

/// Players' port for everybody (only the gateways listen to players), the ops port for this cluster's pods, nothing else.
pub fn of(region: &Region) -> Object {
    let rest = json!({ "spec": {
        "podSelector": { "matchLabels": { REGION: region.name_any() } },
        "policyTypes": ["Ingress"],
        "ingress": [
            { "ports": [{ "port": PLAYERS_PORT, "protocol": "TCP" }] },
            { "ports": [{ "port": OPS_PORT, "protocol": "TCP" }], "from": [{ "namespaceSelector": {} }] },
        ],
    }});
    object(region, Kind::NetworkPolicy, region.name_any(), &[], rest)
}
