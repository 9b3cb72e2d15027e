//! What a queue is: versioned data that staff edit and processes read.

mod admit;
mod closed;
mod filter;
mod servers;
mod shipped;
mod validate;
mod widening;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::game::Mode;

pub use admit::MAX_BLOCKED;
pub use filter::{Filters, PropertyKind, PropertyRow, PropertyValue};
pub use servers::{MAX_SERVER_LABELS, ServerChoice, ServerPick};
pub(crate) use servers::{is_label, is_name};
pub use shipped::shipped_queues;
pub use validate::{
    InvalidQueue, MAX_FILTERS, MAX_MATCH_PLAYERS, MAX_PARTY, MAX_PROPERTIES, MAX_REGIONS, MAX_ROLES, MAX_STEPS,
};
pub use widening::{LatencyBound, LatencyStep, RatingWindow, WindowStep};

/// A queue: whom it matches, and for which game.
///
/// Every rule holds both ways between all members of a match, at the moment of the match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDefinition {
    /// Its stable name: 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Counts from 1; every change makes the next one.
    pub version: u32,
    /// The rules of the built-in game that its matches are played by: two teams of one. Absent for a game that runs on its own
    /// servers, which a trusted server then assigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether its matches move ratings.
    pub ranked: bool,
    /// Who plays whom.
    #[serde(default)]
    pub teams: Teams,
    /// What the players of one team do: each role with how many play it. None when everybody does the same. When there are
    /// roles, their counts add up to the size of a team.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// How far apart the ratings of any two tickets of a match may be.
    #[serde(default = "RatingWindow::any")]
    pub rating_window: RatingWindow,
    /// Where its matches are played: up to 16. None when it does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// What players who queue together may do.
    #[serde(default)]
    pub party: PartyRules,
    /// What a ticket may say of itself, for `filters` to read: up to 16, each a `string` or a `number`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyKind>,
    /// What has to hold between any two tickets of a match, both ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// How long ago, in seconds, two players have to have played each other to be matched again; absent when it does not matter.
    /// At most 86,400. Of each player the newest 64 opponents are remembered, however long this is: the last 8 matches of eight
    /// against eight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoid_recent_opponents_secs: Option<u32>,
    /// What is given up while a ticket waits: later steps are later. It counts for a match when all its tickets have the step
    /// behind them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expansion: Vec<ExpansionStep>,
    /// Whether all have to accept before the match is made; absent when nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// Whether a running match may ask for players, who are then found before any new match is made.
    #[serde(default)]
    pub backfill: bool,
    /// After so many seconds a ticket that has not matched expires; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_secs: Option<u32>,
    /// Which registered servers may play its matches, when they are played on servers of its game; any that stands in the match's
    /// region when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<ServerChoice>,
}

/// Who plays whom: so many teams of so many players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// How many: 1 (all together, or everybody for themselves) to 16.
    pub count: u8,
    /// How many players each has. All teams of a match have the same size, the largest that can be had.
    pub size: SizeRange,
}

/// From `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SizeRange {
    /// At least 1.
    pub min: u8,
    /// At least `min`.
    pub max: u8,
}

impl Default for Teams {
    fn default() -> Self {
        Self { count: 2, size: SizeRange { min: 1, max: 1 } }
    }
}

/// Something to do in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// How many players of each team do it: at least 1.
    pub count: u8,
}

/// A place where matches are played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Regions of one group share a pool, which one matchmaker leads; a ticket waits in the group of its nearest region. 1 to 32
    /// of `a-z`, `0-9` and `-`; `all` when absent.
    #[serde(default = "default_group")]
    pub group: String,
    /// How far away its players may be; any distance when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyBound>,
}

/// The group of regions that name none, and of queues without regions.
pub const DEFAULT_GROUP: &str = "all";

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

/// What players who queue together may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyRules {
    /// How many players a party has at most: 1 (nobody queues together) to the size of a team. As many as a team has when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u8>,
    /// Which rating counts for a party.
    #[serde(default)]
    pub rating: PartyRating,
    /// For so many seconds of its wait, a ticket plays only where the largest party of every team has the same size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alike_first_secs: Option<u32>,
}

impl Default for PartyRules {
    fn default() -> Self {
        Self { max_size: None, rating: PartyRating::Average, alike_first_secs: None }
    }
}

/// Which rating counts for a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyRating {
    /// The average of its members.
    #[default]
    Average,
    /// That of its strongest member.
    Max,
}

/// A rule between any two tickets of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// What explanations and metrics call it: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// What has to be true, seen from each of the two: `self.build == other.build and abs(self.level - other.level) <= 10`.
    /// At most 512 characters.
    pub rule: String,
}

/// What is given up after some time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpansionStep {
    /// From so many seconds of waiting on.
    pub after_secs: u32,
    /// These filters hold no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_filters: Vec<String>,
    /// Teams of so few players will do: less than `teams.size.min`, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_team_size: Option<u8>,
    /// Recent opponents will do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recent_opponents: bool,
}

/// All have to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Within so many seconds: 3 to 120. Who declines or does not answer leaves the queue; the rest return to its head.
    pub within_secs: u16,
}

impl QueueDefinition {
    /// How long a ticket may wait; none when there is no cap.
    pub fn max_wait(&self) -> Option<Duration> {
        self.max_wait_secs.map(|secs| Duration::from_secs(secs.into()))
    }

    /// How many players a party has at most.
    pub fn max_party(&self) -> u8 {
        self.party.max_size.unwrap_or(self.teams.size.max)
    }

    /// The groups of its regions, in their order, each once: its shards.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for region in &self.regions {
            if !groups.contains(&region.group.as_str()) {
                groups.push(&region.group);
            }
        }
        if groups.is_empty() {
            groups.push(DEFAULT_GROUP);
        }
        groups
    }

    /// Where a ticket waits: the group of its region of least latency, the first of the queue's where it says none.
    pub fn group_of(&self, latencies_ms: &BTreeMap<String, u16>) -> &str {
        let nearest = self
            .regions
            .iter()
            .filter_map(|region| latencies_ms.get(&region.name).map(|latency| (latency, region)))
            .min_by_key(|(latency, _)| **latency);
        match (nearest, self.regions.first()) {
            (Some((_, region)), _) | (None, Some(region)) => &region.group,
            (None, None) => DEFAULT_GROUP,
        }
    }
}
