//! Where a rotation stands, as the status keeps it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a rotation stands: enough to carry on from at any moment, and no secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationState {
    /// What is being done.
    #[serde(default)]
    pub phase: Phase,

    /// How many versions were begun so far.
    #[serde(default)]
    pub versions: i64,

    /// The newest version of the key-value store that was looked at.
    #[serde(default)]
    pub highest_source_version: i64,

    /// The version that was last seen in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Version>,

    /// The version that is to take its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Version>,

    /// The version that had its place and is still valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Version>,

    /// Why the last rotation began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,

    /// Whether it was turned back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub turned_back: bool,

    /// A person's request that was acted on and whose annotation is still to be taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Request>,

    /// When the version in use came into use, or was gone back to. The time to the next version counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::schema::moment")]
    pub in_use_since: Option<Time>,

    /// When the phase began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::schema::moment")]
    pub phase_since: Option<Time>,

    /// Until when the previous version stays valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::schema::moment")]
    pub overlap_until: Option<Time>,

    /// The step that failed and is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A person's request, made by an annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What was asked for.
    pub kind: RequestKind,

    /// The annotation's value.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RequestKind {
    /// A new version now.
    Rotate,
    /// Back to the version before.
    Rollback,
}

/// What a rotation is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Nothing; one version is valid.
    #[default]
    Idle,
    /// A new version is made and kept where it can be found again.
    Make,
    /// Processes learn the new version beside the one they use.
    Announce,
    /// Processes begin to use the new version.
    Switch,
    /// Processes go back to the version that they used before.
    Back,
    /// Both are valid; the old one is used by nobody new.
    Overlap,
    /// Processes forget the old version.
    Forget,
    /// The old version stops being valid.
    Retire,
}

/// Why a rotation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Cause {
    /// There was no version yet.
    First,
    /// It was time.
    Due,
    /// A person asked.
    Asked,
    /// The source held a version of somebody else's making.
    Found,
    /// The version in use cannot be prolonged any further.
    Lapsing,
    /// The version in use is not valid any more.
    Lost,
}

/// One version of the secret, without its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Counted from 1 by this resource.
    pub number: i64,

    /// Its version in the key-value store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_version: Option<i64>,

    /// The accessor of the Vault token that owns it; revoking that token revokes the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub accessor: Option<String>,

    /// Its lease in Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub lease_id: Option<String>,

    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::schema::moment")]
    pub made_at: Option<Time>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// One word for programs.
    pub reason: String,

    /// One sentence for a person.
    pub message: String,

    /// How often it failed in a row.
    pub attempts: i32,

    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::schema::moment")]
    pub retry_at: Option<Time>,
}
