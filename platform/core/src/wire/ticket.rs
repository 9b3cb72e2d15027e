//! Tickets, as their player sees them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{MatchId, TicketId};
use crate::time::millis;

/// `POST /v1/tickets`: wait in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTicket {
    /// The queue's name.
    pub queue: String,
}

/// A player's wish to be matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TicketView {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// The queue it waits in, or waited in.
    pub queue: String,
    /// What became of it.
    pub state: TicketState,
    /// Since when it waits.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// The match, once it has matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
}

/// What became of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// It waits.
    Waiting,
    /// It has a match.
    Matched,
    /// Its player gave it up.
    Cancelled,
    /// It waited as long as its queue allows.
    Expired,
}

impl TicketState {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            TicketState::Waiting => "waiting",
            TicketState::Matched => "matched",
            TicketState::Cancelled => "cancelled",
            TicketState::Expired => "expired",
        }
    }
}
