//! `SecretRotation`: a secret that is replaced at intervals while both versions work.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

mod source;
mod state;
mod verify;

pub use source::{Alphabet, Generate, KvEntry, Source, VaultDatabase, VaultKv};
pub use state::{Cause, Failure, Phase, Request, RequestKind, RotationState, Version};
pub use verify::{JwksProbe, PostgresProbe, PostgresTls, Verify};

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
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.rotation.phase"),
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
        .message("target cannot change: make another SecretRotation").field_path(".target"),
    validation = Rule::new("has(self.source.vaultDatabase) || (!has(self.target.usernameKey) && !has(self.target.template))")
        .message("usernameKey and template are for vaultDatabase, whose versions have a name and a password").field_path(".target"),
    validation = Rule::new("!has(self.source.vaultDatabase) || !has(self.target.secondKey)")
        .message("secondKey is not for vaultDatabase: a process signs in with one name at a time").field_path(".target"),
    validation = Rule::new("!has(self.source.signingKey) || has(self.target.secondKey)")
        .message("signingKey needs target.secondKey: processes must know the other key, or sessions would be refused while they restart")
        .field_path(".target"),
    validation = Rule::new("!has(self.verify) || !has(self.verify.jwks) || has(self.source.signingKey)")
        .message("verify.jwks is for signingKey").field_path(".verify"),
    validation = Rule::new("!has(self.verify) || !has(self.verify.postgres) || has(self.source.vaultDatabase)")
        .message("verify.postgres is for vaultDatabase").field_path(".verify")
)]
#[serde(rename_all = "camelCase")]
pub struct SecretRotationSpec {
    /// Where the versions are kept.
    pub source: Source,

    /// The Kubernetes Secret that follows the newest version.
    pub target: Target,

    /// How often a new version is made, unless there is a `schedule`.
    #[serde(default = "thirty_days")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h')").message("interval must be at least 1h"))]
    pub interval: String,

    /// When new versions are made, by the clock: takes the place of `interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<RotationSchedule>,

    /// How long the old version stays valid after a new one is in use. It is cut short when Vault ends the database user in use before.
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

    /// How long the workloads may take to restart before the step counts as failed. It is watched on even then.
    #[serde(default = "fifteen_minutes")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('10s') && duration(self) <= duration('24h')")
        .message("rolloutTimeout must be between 10s and 24h"))]
    pub rollout_timeout: String,

    /// Proof, beyond ready workloads, that the new version is in use: as long as it fails, the old one is kept. Absent: ready workloads are
    /// proof enough, and the old one is retired after the overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,

    /// Make no new versions for the time being. One that is under way is finished, and a database user that Vault is about to end is
    /// replaced all the same.
    #[serde(default)]
    pub suspended: bool,
}

/// Moments by the clock.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationSchedule {
    /// A cron line of five fields: minute, hour, day of month, month, day of week (0 or 7 is Sunday).
    #[schemars(length(max = 100))]
    #[x_kube(validation = Rule::new("self.trim().split(' ').filter(f, f != '').size() == 5")
        .message("cron must be a line of five fields: minute, hour, day of month, month, day of week"))]
    pub cron: String,

    /// IANA name of the time zone in which the line is meant.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
}

/// The Kubernetes Secret that follows the newest version.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Name of the Secret, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub secret: String,

    /// The entry that holds the version in use.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,

    /// The entry that holds the other valid version, while there is one: the next before it is used, the old one after.
    /// With it, processes learn a new version before the first of them uses it, which costs a second restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub second_key: Option<String>,

    /// The entry that holds the database user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub username_key: Option<String>,

    /// What is written under `key`, with `{username}` and `{password}` filled in (escaped for a URL), such as
    /// `postgres://{username}:{password}@db:5432/muster`. Without it, `key` holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.contains('{password}')").message("template must contain {password}"))]
    pub template: Option<String>,
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

    /// `Ready`: a valid version is in use. `Progressing`: a rotation is under way. `Degraded`: a step failed, and why.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Where the rotation stands. The operator carries on from here after a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationState>,

    /// The version in use, counted from 1 by this resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,

    /// The version before it, while it is still valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<i64>,

    /// When the version in use was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub last_rotated_at: Option<Time>,

    /// When the next version is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub next_rotation_at: Option<Time>,
}

fn thirty_days() -> String {
    "720h".into()
}

fn one_day() -> String {
    "24h".into()
}

fn fifteen_minutes() -> String {
    "15m".into()
}

fn utc() -> String {
    "UTC".into()
}
