//! The resources of the group `muster.dev`, one file each.
//!
//! Doc comments on these types become the descriptions that `kubectl explain` shows, so they speak to the person who
//! writes a manifest. Rules that need more than one field are CEL: the API server refuses a bad manifest with the
//! rule's own sentence, before any controller sees it.

#![allow(clippy::duplicated_attributes, reason = "two printer columns may well have the same type")]

pub mod region;
pub mod region_autoscaler;
mod schema;
pub mod secret_rotation;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use region::Region;
pub use region_autoscaler::RegionAutoscaler;
pub use secret_rotation::SecretRotation;

/// The three definitions, in the order in which they are printed.
pub fn definitions() -> [CustomResourceDefinition; 3] {
    [Region::crd(), RegionAutoscaler::crd(), SecretRotation::crd()]
}

/// All definitions as one YAML stream: the same bytes for the same source.
pub fn to_yaml() -> Result<String, serde_yaml_ng::Error> {
    let mut yaml = String::from("# Generated from operator/src/crd by `muster-operator crds`. Do not edit.\n");
    for definition in definitions() {
        yaml.push_str("---\n");
        yaml.push_str(&serde_yaml_ng::to_string(&definition)?);
    }
    Ok(yaml)
}

/// A part of `muster-server` that can run on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerRole {
    /// Holds the players' HTTP calls and sockets.
    Gateway,
    /// Holds the pools and proposes matches.
    Matchmaker,
    /// Owns running matches.
    Referee,
    /// Moves telemetry from the stream to the database.
    Writer,
}

impl ServerRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gateway, Self::Matchmaker, Self::Referee, Self::Writer];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Matchmaker => "matchmaker",
            Self::Referee => "referee",
            Self::Writer => "writer",
        }
    }
}

/// The name of another resource in the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceName {
    /// The other resource's `metadata.name`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
