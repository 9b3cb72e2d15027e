//! Between the table and our types.

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, ServerId};
use uuid::Uuid;

use super::{Assignment, AssignmentState, NewAssignment};
use crate::{Result, Shard, StoreError, codec};

/// A row of play.assignments.
pub(super) struct Row {
    pub(super) match_id: Uuid,
    pub(super) queue: String,
    pub(super) shard_group: String,
    pub(super) region: Option<String>,
    pub(super) teams: serde_json::Value,
    pub(super) quality: f64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) backfill_of: Option<Uuid>,
    pub(super) state: String,
    pub(super) connection: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) decided_at: Option<DateTime<Utc>>,
    pub(super) server_id: Option<Uuid>,
}

impl TryFrom<Row> for Assignment {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let state = match (row.state.as_str(), row.connection, row.reason) {
            ("open", ..) => AssignmentState::Open,
            ("assigned", Some(connection), _) => AssignmentState::Assigned { connection },
            ("refused", _, Some(reason)) => AssignmentState::Refused { reason },
            ("expired", ..) => AssignmentState::Expired,
            (other, ..) => return Err(StoreError::corrupt("an assignment", format!("state `{other}`"))),
        };
        let new = NewAssignment {
            match_id: MatchId::from_uuid(row.match_id),
            shard: Shard::new(row.queue, row.shard_group),
            region: row.region,
            teams: codec::from_json_value("an assignment's teams", row.teams)?,
            quality: row.quality,
            created_at: row.created_at,
            expires_at: row.expires_at,
            backfill_of: row.backfill_of.map(MatchId::from_uuid),
        };
        Ok(Self { new, state, decided_at: row.decided_at, server: row.server_id.map(ServerId::from_uuid) })
    }
}
