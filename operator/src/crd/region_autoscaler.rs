//! `RegionAutoscaler`: how many processes of one role a region runs, and by which measure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ResourceName, ServerRole, schema};

/// How many processes of one role a region runs, between two bounds.
#[derive(CustomResource, KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[kube(
    group = "muster.dev",
    version = "v1alpha1",
    kind = "RegionAutoscaler",
    shortname = "rgas",
    category = "muster",
    namespaced,
    status = "RegionAutoscalerStatus",
    doc = "Decides how many processes of one role a Region runs, between two bounds, by one policy.",
    printcolumn(name = "Region", type_ = "string", json_path = ".spec.regionRef.name"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role"),
    printcolumn(name = "Min", type_ = "integer", json_path = ".spec.min"),
    printcolumn(name = "Max", type_ = "integer", json_path = ".spec.max"),
    printcolumn(name = "Current", type_ = "integer", json_path = ".status.currentReplicas"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.desiredReplicas"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    )
)]
#[x_kube(
    validation = Rule::new("self.min <= self.max").message("min must not be larger than max").field_path(".min"),
    validation = Rule::new("!has(self.policy.schedule) || self.policy.schedule.windows.all(w, w.replicas >= self.min && w.replicas <= self.max)")
        .message("the replicas of every window must lie between min and max").field_path(".policy"),
    validation = Rule::new("self.regionRef == oldSelf.regionRef && self.role == oldSelf.role")
        .message("regionRef and role cannot change: make another RegionAutoscaler")
)]
#[serde(rename_all = "camelCase")]
pub struct RegionAutoscalerSpec {
    /// The Region whose processes are counted and scaled.
    pub region_ref: ResourceName,

    /// The role that is scaled.
    pub role: ServerRole,

    /// Never fewer processes than this.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub min: i32,

    /// Never more processes than this.
    #[schemars(range(min = 1, max = 1000))]
    pub max: i32,

    /// By which measure.
    pub policy: Policy,

    /// How long the measure must ask for fewer processes before any is taken away.
    #[serde(default = "five_minutes")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    pub scale_down_after: String,
}

/// One measure: exactly one of the fields is set.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("[has(self.buffer), has(self.queueDepth), has(self.schedule)].exists_one(set, set)")
    .message("policy needs exactly one of buffer, queueDepth, schedule"))]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Keep room for players who are not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffer>,

    /// Follow the number of waiting tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<QueueDepth>,

    /// Follow the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Keep room for players who are not there yet.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buffer {
    /// How many connected players one process carries.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub players_per_replica: i32,

    /// How many processes to keep beyond what the connected players need.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub spare_replicas: i32,
}

/// Follow the number of waiting tickets.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueDepth {
    /// How many waiting tickets one process is good for.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tickets_per_replica: i32,

    /// Count only these queues. Empty: all of the region's.
    #[serde(default)]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub queues: Vec<String>,
}

/// Follow the clock. Where windows overlap the largest counts; outside all of them it is `min`.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// IANA name of the time zone in which the windows are meant.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,

    /// When how many processes run.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub windows: Vec<Window>,
}

/// A recurring stretch of time.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// A name of one's own, such as `evenings`.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// When it begins, as a cron line of five fields.
    #[schemars(length(max = 100))]
    #[x_kube(validation = Rule::new("self.trim().split(' ').filter(f, f != '').size() == 5")
        .message("start must be a cron line of five fields: minute, hour, day of month, month, day of week"))]
    pub start: String,

    /// How long it lasts.
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    pub length: String,

    /// How many processes run in it.
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
}

/// What was decided last.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionAutoscalerStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the measure is known and followed. `Limited`: it asks for more than `max` or less than `min`.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Processes that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<i32>,

    /// Processes that should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i32>,

    /// When the number last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub last_scaled_at: Option<Time>,
}

fn one() -> i32 {
    1
}

fn five_minutes() -> String {
    "5m".into()
}

fn utc() -> String {
    "UTC".into()
}
