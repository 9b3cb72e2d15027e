//! Why a ticket has not matched.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::TicketId;
use crate::time::millis;

/// Why a ticket has not matched: what each rule costs it, among all who wait in its pool at this moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Explanation {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// At which moment.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// How long it has waited, in milliseconds.
    pub waited_ms: u64,
    /// How far apart ratings may be for it by now, in points; null when any.
    pub rating_window: Option<f64>,
    /// The regions it may play in by now.
    pub regions: Vec<String>,
    /// The other tickets of the pool.
    pub candidates: u32,
    /// What each rule costs, in the order in which they are asked. A candidate counts for the first rule that refuses it.
    pub rules: Vec<RuleCost>,
    /// The candidates that no rule refuses.
    pub left: u32,
    /// The players of those.
    pub players_left: u32,
    /// How many players a match needs besides its own, at least.
    pub players_needed: u32,
    /// By role of the queue: whether there are enough who would do it. Empty when the queue has no roles.
    #[serde(default)]
    pub roles: Vec<RoleSupply>,
    /// One sentence.
    pub verdict: String,
}

/// Who would do a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RoleSupply {
    /// Its name.
    pub role: String,
    /// How many players of a match do it, in all teams.
    pub needed: u32,
    /// How many would, of the players left and of its own.
    pub willing: u32,
}

/// What a rule costs a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RuleCost {
    /// `region`, `rating_window`, `their_rating_window`, `party_size`, `roles`, `blocked`, `recent_opponents`, or `filter:<name>`.
    pub rule: String,
    /// How many candidates it removed, that no rule before it had.
    pub removed: u32,
    /// How many it would remove if it were the only one.
    pub alone: u32,
}
