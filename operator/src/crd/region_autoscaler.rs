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
    printcolumn(name = "Policy", type_ = "string", json_path = ".status.decidedBy"),
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
    validation = Rule::new("!has(self.policy.predictive) || has(self.metrics.prometheus)")
        .message("predictive needs metrics.prometheus: processes do not remember the last 14 days").field_path(".policy"),
    validation = Rule::new("!has(self.policy.chain) || !self.policy.chain.exists(p, has(p.predictive)) || has(self.metrics.prometheus)")
        .message("predictive needs metrics.prometheus: processes do not remember the last 14 days").field_path(".policy"),
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

    /// How long the measure must ask for more processes before any is added.
    #[serde(default = "at_once")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) <= duration('1h')").message("scaleUpAfter must not be longer than 1h"))]
    pub scale_up_after: String,

    /// How long the measure must ask for fewer processes before any is taken away.
    #[serde(default = "five_minutes")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) <= duration('6h')").message("scaleDownAfter must not be longer than 6h"))]
    pub scale_down_after: String,

    /// How many processes are added at most at once, and how long after a change no more are.
    #[serde(default = "Step::up")]
    pub up: Step,

    /// How many processes are taken away at most at once, and how long after a change no more are.
    #[serde(default = "Step::down")]
    pub down: Step,

    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,

    /// Where the measures come from.
    #[serde(default)]
    pub metrics: MetricsSource,
}

/// A bound on one change.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// So many processes at most.
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,

    /// How long after the last change, of whatever direction, the next one may follow.
    #[serde(default = "at_once")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) <= duration('6h')").message("coolDown must not be longer than 6h"))]
    pub cool_down: String,
}

impl Step {
    fn up() -> Self {
        Self { replicas: 10, cool_down: at_once() }
    }

    fn down() -> Self {
        Self { replicas: 1, cool_down: "1m".into() }
    }
}

/// Where the measures come from.
#[derive(KubeSchema, Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsSource {
    /// A page in Prometheus' text format that speaks of the whole region. Absent: every process of the region is asked itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https?://"))]
    pub url: Option<String>,

    /// The address of a Prometheus, which remembers what was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https?://"))]
    pub prometheus: Option<String>,
}

/// One measure, or several: exactly one of the fields is set.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("[has(self.buffer), has(self.queueDepth), has(self.schedule), has(self.predictive), has(self.chain)].exists_one(set, set)")
    .message("policy needs exactly one of buffer, queueDepth, schedule, predictive, chain"))]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Keep room for players who are not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffer>,

    /// Follow the waiting tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<QueueDepth>,

    /// Follow the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,

    /// Follow what the last two weeks foretell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictive: Option<Predictive>,

    /// Several measures: the one that asks for most decides, and one that cannot be had is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    pub chain: Option<Vec<Measure>>,
}

/// One measure of a chain: exactly one of the fields is set.
#[derive(KubeSchema, Debug, Clone, Default, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("[has(self.buffer), has(self.queueDepth), has(self.schedule), has(self.predictive)].exists_one(set, set)")
    .message("a measure of a chain needs exactly one of buffer, queueDepth, schedule, predictive"))]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// Keep room for players who are not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffer>,

    /// Follow the waiting tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_depth: Option<QueueDepth>,

    /// Follow the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,

    /// Follow what the last two weeks foretell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictive: Option<Predictive>,
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

    /// How much of the whole room to keep free, percent; the larger of the two counts.
    #[serde(default)]
    #[schemars(range(min = 0, max = 90))]
    pub spare_percent: i32,
}

/// Follow what the last two weeks foretell: the same hour of the same weekday, brought to today's level.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predictive {
    /// How many connected players one process carries.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub players_per_replica: i32,

    /// How far to look ahead: at least as long as new processes need.
    #[serde(default = "thirty_minutes")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('5m') && duration(self) <= duration('6h')")
        .message("horizon must be between 5m and 6h"))]
    pub horizon: String,

    /// What Prometheus is asked for: one series with the players connected in this region.
    #[schemars(length(min = 1, max = 1024))]
    pub query: String,
}

/// Follow the waiting tickets.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueDepth {
    /// How many waiting tickets one process is good for.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tickets_per_replica: i32,

    /// How long nineteen of twenty tickets may wait for their match; when they wait longer, processes are added in
    /// proportion to those that were ready. The last wait that is known holds for five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("timeToMatch must be at least 1s"))]
    pub time_to_match: Option<String>,

    /// Count only these queues. Empty: all of the platform's. Tickets are counted in the whole platform, in all groups of a queue: name the
    /// queues that are this region's own where there are several regions.
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

    /// `Ready`: the measure is known and followed. `Progressing`: the number is being changed. `Degraded`: it cannot be.
    /// `Limited`: something holds the number where it is: a bound, a window, a cool-down.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Processes that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_replicas: Option<i32>,

    /// Processes that should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_replicas: Option<i32>,

    /// Which policy decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub decided_by: Option<String>,

    /// Why it is this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub why: Option<String>,

    /// By how much the forecast of the last day was off on average, percent of what came. Absent without a forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast_error_percent: Option<i32>,

    /// When the number last grew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub last_scaled_up_at: Option<Time>,

    /// When the number last shrank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub last_scaled_down_at: Option<Time>,
}

fn one() -> i32 {
    1
}

fn at_once() -> String {
    "0s".into()
}

fn thirty_minutes() -> String {
    "30m".into()
}

fn five_minutes() -> String {
    "5m".into()
}

fn utc() -> String {
    "UTC".into()
}
