//! `SecretRotation`: a secret that is replaced at intervals while both versions work.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// Which secret is replaced, how often, and how long the old version stays valid.
#[derive(CustomResource, KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[kube(
    group = "muster.dev",
    version = "v1alpha1",
    kind = "SecretRotation",
    shortname = "srot",
    category = "muster",
    namespaced,
    status = "SecretRotationStatus",
    doc = "Replaces a secret at intervals. The old version stays valid for a while, so that nothing has to stop.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Version", type_ = "integer", json_path = ".status.currentVersion"),
    printcolumn(name = "Last", type_ = "date", json_path = ".status.lastRotatedAt"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.nextRotationAt"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspended", priority = 1),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("duration(self.overlap) < duration(self.interval)")
        .message("overlap must be shorter than interval: the old version has to be retired before the next one is made")
        .field_path(".overlap"),
    validation = Rule::new("self.target == oldSelf.target")
        .message("target cannot change: make another SecretRotation").field_path(".target")
)]
#[serde(rename_all = "camelCase")]
pub struct SecretRotationSpec {
    /// Where the versions are kept.
    pub source: Source,

    /// The Kubernetes Secret that follows the newest version.
    pub target: Target,

    /// How often a new version is made.
    #[serde(default = "thirty_days")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h')").message("interval must be at least 1h"))]
    pub interval: String,

    /// How long the old version stays valid after a new one is in use.
    #[serde(default = "one_day")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m')").message("overlap must be at least 1m"))]
    pub overlap: String,

    /// Workloads in the same namespace that are restarted to read the new version. Those that follow the Secret by
    /// themselves need not be here.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub restart: Vec<Workload>,

    /// Make no new versions for the time being. One that is under way is finished.
    #[serde(default)]
    pub suspended: bool,
}

/// Where the versions are kept.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// A secret in Vault's key-value store, version 2 (or OpenBao's, which is the same).
    pub vault_kv: VaultKv,
}

/// A secret in Vault's key-value store, version 2.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultKv {
    /// Where the store is mounted.
    #[serde(default = "secret")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.endsWith('/')")
        .message("mount must not begin or end with a slash"))]
    pub mount: String,

    /// The secret's path under the mount, without `data/`.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.startsWith('data/')")
        .message("path is relative to the mount: leave out the leading slash and data/"))]
    pub path: String,

    /// Which entry of the secret is replaced; the others are kept as they are.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// The Kubernetes Secret that follows the newest version.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Name of the Secret, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret: String,

    /// Its entry.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// A workload in the same namespace.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,

    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Workloads that can be restarted without an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
}

/// What was done last.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRotationStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the newest version is in use. `Rotating`: two versions are valid.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// The version in use, as the source counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,

    /// The version before it, while it is still valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<i64>,

    /// When the version in use was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub last_rotated_at: Option<Time>,

    /// When the next version is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub next_rotation_at: Option<Time>,
}

fn thirty_days() -> String {
    "720h".into()
}

fn one_day() -> String {
    "24h".into()
}

fn secret() -> String {
    "secret".into()
}
