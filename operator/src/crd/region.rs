//! `Region`: what one region of the platform should be.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ServerRole, schema};

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
        json_path = ".status.matchesRunning",
        description = "Matches running in the region"
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
    validation = Rule::new("self.state != 'Active' || self.roles.exists(r, r.name == 'gateway' && r.replicas > 0)")
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

    /// Queues that this region serves. Empty: all of them.
    #[serde(default)]
    #[schemars(length(max = 64), inner(length(min = 1, max = 64), regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub queues: Vec<String>,

    /// A Secret whose entries become the processes' environment, such as `MUSTER__POSTGRES__URL`.
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

    /// How many processes. A RegionAutoscaler for the same role overrules it.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
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
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`: the region is as the spec says. `Draining`: players are leaving it. `Warnings`: it works, and something wants attention.
    #[serde(default)]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,

    /// Processes that are ready, over all roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,

    /// Matches running in the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches_running: Option<i32>,
}

fn one() -> i32 {
    1
}

fn ten_minutes() -> String {
    "10m".into()
}
