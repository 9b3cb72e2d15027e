//! `Region`: what one region of the platform should be.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ServerRole, schema};
use crate::reconcile::conditions::Conditioned;

/// What one region should run, and whether it takes players.
#[derive(CustomResource, KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[kube(
    group = "muster.dev",
    version = "v1alpha1",
    kind = "Region",
    shortname = "rgn",
    category = "muster",
    namespaced,
    status = "RegionStatus",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name of a Region is part of other names: at most 40 lower-case letters, digits and hyphens, beginning with a letter"),
    validation = Rule::new("!has(self.spec.platform) || has(self.spec.platform.region) || self.metadata.name.size() <= 32")
        .message("a name of more than 32 characters is no name of a region in the queues: say spec.platform.region"),
    doc = "A region of the platform: which image runs there, in which roles, for which queues, and whether it takes players.",
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".spec.state",
        description = "Whether the region takes players"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(
        name = "Replicas",
        type_ = "integer",
        json_path = ".status.readyReplicas",
        description = "Processes that are ready, over all roles"
    ),
    printcolumn(
        name = "Matches",
        type_ = "integer",
        json_path = ".status.drain.matchesLeft",
        description = "Matches that a draining region still has"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image", priority = 1)
)]
#[x_kube(
    validation = Rule::new("self.state != 'Active' || self.roles.exists(r, r.name == 'gateway' && (has(r.replicas) ? r.replicas : self.replicas) > 0)")
        .message("an Active region needs the role gateway with at least one replica; set state to Disabled to run none")
        .field_path(".roles")
)]
#[serde(rename_all = "camelCase")]
pub struct RegionSpec {
    /// Container image of `muster-server`, with a tag other than `latest` or with a digest.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new(
        "self.contains('@sha256:') || (self.matches('^[^@]+:[A-Za-z0-9_][A-Za-z0-9_.-]*$') && !self.endsWith(':latest'))"
    ).message("image must be pinned: name a tag other than latest, or a digest"))]
    pub image: String,

    /// Whether the region takes players.
    #[serde(default)]
    pub state: RegionState,

    /// Which roles run here, each at most once.
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub roles: Vec<RegionRole>,

    /// How many processes of each role that does not say so itself. `kubectl scale` sets it.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,

    /// Queues whose matches are made by the matchmakers of this region. Empty: all of them. A queue that no region serves makes none.
    #[serde(default)]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64), regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub queues: Vec<String>,

    /// Where the region is reached.
    #[serde(default, skip_serializing_if = "Endpoints::is_empty")]
    pub endpoints: Endpoints,

    /// What the region is meant to carry. The operator passes it on; it limits nothing by itself.
    #[serde(default, skip_serializing_if = "Capacity::is_empty")]
    pub capacity: Capacity,

    /// When running processes may be replaced by others: a new image, other settings or resources. Absent: at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,

    /// The URL of PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<SecretKey>,

    /// The URL of Redis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<SecretKey>,

    /// The URL of NATS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats: Option<SecretKey>,

    /// Where the platform is told to close the region's queues when a drain begins, and to open them when the region is Active. Absent:
    /// its queues stay open while it drains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformAccess>,

    /// A Secret whose entries become the processes' environment, such as `MUSTER__AUTH__SIGNING_KEY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub settings_secret: Option<String>,

    /// How a draining region treats what still runs in it.
    #[serde(default)]
    pub drain: Drain,
}

/// Whether a region takes players.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RegionState {
    /// Takes players.
    #[default]
    Active,
    /// Takes no new tickets; running matches are played to their end.
    Draining,
    /// Runs nothing.
    Disabled,
}

/// One role of `muster-server` and how often it runs.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionRole {
    /// The role.
    pub name: ServerRole,

    /// How many processes; `replicas` of the region when absent. Whoever else scales the role's Deployment overrules it: a
    /// RegionAutoscaler, a HorizontalPodAutoscaler, a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<i32>,

    /// What each process is given.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
}

/// What a process is given.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What is set aside for it.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub requests: Amounts,
    /// What it may not exceed.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub limits: Amounts,
}

impl Resources {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Amounts as Kubernetes writes them.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// Processors, such as `500m` or `2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = "^[0-9]+(\\.[0-9]+)?m?$"))]
    pub cpu: Option<String>,
    /// Memory, such as `512Mi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = "^[0-9]+(\\.[0-9]+)?(k|M|G|Ki|Mi|Gi)?$"))]
    pub memory: Option<String>,
}

impl Amounts {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a region is reached.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// The base URL that players use, such as `https://eu-west.play.example.com`. The operator passes it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = "^https?://"))]
    pub players: Option<String>,
    /// Where the operator asks the processes for their metrics, as `host:port`; every address of the host is asked. Absent: the
    /// region's own Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 260), regex(pattern = "^[A-Za-z0-9.-]+:[0-9]{1,5}$"))]
    pub ops: Option<String>,
}

impl Endpoints {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a region is meant to carry.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Players connected at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub players: Option<i32>,
    /// Matches running at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub matches: Option<i32>,
}

impl Capacity {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A recurring stretch of time.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// IANA name of the time zone in which `start` is meant.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,

    /// When it begins, as a cron line of five fields.
    #[schemars(length(max = 100))]
    #[x_kube(validation = Rule::new("self.trim().split(' ').filter(f, f != '').size() == 5")
        .message("start must be a cron line of five fields: minute, hour, day of month, month, day of week"))]
    pub start: String,

    /// How long it lasts.
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    pub length: String,
}

/// An entry of a Secret in the same namespace.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret: String,
    /// Its entry.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// The platform's API for programs, and who the operator is there.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformAccess {
    /// The base URL of a gateway that is there while this region is not, such as `https://play.example.com`.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/?#@ ]+(/[^?#@ ]*)?$')")
        .message("url must be http:// or https://, without a user, a query or a fragment"))]
    pub url: String,

    /// The service key of `muster-server service-key add NAME --purpose operations`, `msk_…`.
    pub key: SecretKey,

    /// What the queues call this region; the name of this resource when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z0-9-]+$"))]
    pub region: Option<String>,
}

/// How a draining region treats what still runs in it.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// How long running matches may take before their processes are stopped anyway.
    #[serde(default = "ten_minutes")]
    #[schemars(length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) <= duration('24h')")
        .message("matchTimeout must not be longer than 24h"))]
    pub match_timeout: String,
}

impl Default for Drain {
    fn default() -> Self {
        Self { match_timeout: ten_minutes() }
    }
}

/// What was seen of the region.
#[derive(KubeSchema, Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the region is as the spec says. `Progressing`: the operator is under way to it. `Degraded`: something is wrong.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Processes that there are, over all roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,

    /// Processes that are ready, over all roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,

    /// Which pods are the region's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub selector: Option<String>,

    /// The processes, role by role.
    #[serde(default)]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub roles: Vec<RoleStatus>,

    /// Whether the platform's queues take players for the region. Absent when the platform was never told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<QueuesStatus>,

    /// How far a drain has come. Absent when nobody is asked to leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainStatus>,
}

/// What was seen of the processes of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleStatus {
    /// The role.
    pub name: ServerRole,
    /// How many there should be.
    pub desired: i32,
    /// How many there are of the newest revision.
    pub updated: i32,
    /// How many are ready.
    pub ready: i32,
}

/// What the platform was told last of the region's queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuesStatus {
    /// Whether they take players.
    pub state: QueuesState,
    /// What the queues call the region.
    #[schemars(length(max = 63))]
    pub region: String,
    /// Since when.
    #[schemars(schema_with = "schema::moment")]
    pub since: Time,
}

/// Whether queues take players for a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum QueuesState {
    /// They do.
    Open,
    /// They do not: the operator closed them.
    Closed,
    /// They do not: staff closed them, and only they open them.
    KeptClosed,
}

/// How far a drain has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrainStatus {
    /// When it began.
    #[schemars(schema_with = "schema::moment")]
    pub started_at: Time,
    /// When the processes are stopped whatever still runs.
    #[schemars(schema_with = "schema::moment")]
    pub deadline: Time,
    /// Since when no match was seen: the drain ends when that has held for some seconds. Absent while matches run, or when the last look
    /// could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub empty_since: Option<Time>,
    /// When the last process was told to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::moment")]
    pub stopped_at: Option<Time>,
    /// Matches that still run; absent while nobody could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches_left: Option<i64>,
}

impl Conditioned for RegionStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }

    fn observed_generation_mut(&mut self) -> &mut Option<i64> {
        &mut self.observed_generation
    }
}

fn utc() -> String {
    "UTC".into()
}

fn one() -> i32 {
    1
}

fn ten_minutes() -> String {
    "10m".into()
}
