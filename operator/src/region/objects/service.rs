//! Where the processes are reached.

use kube::ResourceExt;
use serde_json::json;

use super::{Kind, OPS_PORT, Object, PLAYERS_PORT, REGION, ROLE, object, ops_name};
use crate::{
    crd::{Region, ServerRole},
    region::phase::Phase,
};

/// Where players come in. A region that is closing selects nobody: connections that are there go on, and no new one comes.
pub fn players(region: &Region, phase: Phase) -> Object {
    let door = match phase {
        Phase::Serving => ServerRole::Gateway.as_str(),
        Phase::Closing | Phase::Stopped => "closed",
    };
    let rest = json!({ "spec": {
        "type": "ClusterIP",
        "selector": { REGION: region.name_any(), ROLE: door },
        "ports": [{ "name": "http", "port": PLAYERS_PORT, "targetPort": "http", "protocol": "TCP" }],
    }});
    object(region, Kind::Service, region.name_any(), &[(ROLE, ServerRole::Gateway.as_str())], rest)
}

/// The addresses of all processes, ready or not: whom the operator asks.
pub fn ops(region: &Region) -> Object {
    let rest = json!({ "spec": {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": true,
        "selector": { REGION: region.name_any() },
        "ports": [{ "name": "ops", "port": OPS_PORT, "targetPort": "ops", "protocol": "TCP" }],
    }});
    object(region, Kind::Service, ops_name(region), &[], rest)
}
