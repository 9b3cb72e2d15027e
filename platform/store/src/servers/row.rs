//! Between the tables and our types.

use chrono::{DateTime, Utc};
use muster_core::id::ServerId;
use muster_core::wire::{RegisterServer, ReportResult, ServerMatchEnd, ServerMatchReason, ServerState, ServerView};
use uuid::Uuid;

use crate::{Result, StoreError, codec};

/// A row of play.servers.
pub(super) struct ServerRow {
    pub(super) server_id: Uuid,
    pub(super) address: String,
    pub(super) region: Option<String>,
    pub(super) build: Option<String>,
    pub(super) labels: serde_json::Value,
    pub(super) queues: Vec<String>,
    pub(super) capacity: i32,
    pub(super) matches: i32,
    pub(super) load_percent: Option<i16>,
    pub(super) state: String,
    pub(super) registered_at: DateTime<Utc>,
    pub(super) lease_until: DateTime<Utc>,
}

impl TryFrom<ServerRow> for ServerView {
    type Error = StoreError;

    fn try_from(row: ServerRow) -> Result<Self> {
        let state = match (row.state.as_str(), row.matches) {
            ("starting", _) => ServerState::Starting,
            ("ready", 0) => ServerState::Ready,
            ("ready", _) => ServerState::Allocated,
            ("draining", _) => ServerState::Draining,
            ("lost", _) => ServerState::Lost,
            ("gone", _) => ServerState::Gone,
            (other, _) => return Err(StoreError::corrupt("a server", format!("state `{other}`"))),
        };
        Ok(Self {
            server_id: ServerId::from_uuid(row.server_id),
            registered: RegisterServer {
                address: row.address,
                region: row.region,
                build: row.build,
                labels: codec::from_json_value("a server's labels", row.labels)?,
                queues: row.queues,
                capacity: u16::try_from(row.capacity).unwrap_or(u16::MAX),
            },
            state,
            matches: u16::try_from(row.matches).unwrap_or_default(),
            load_percent: row.load_percent.and_then(|percent| u8::try_from(percent).ok()),
            registered_at: row.registered_at,
            lease_until: row.lease_until,
        })
    }
}

/// How a match ended, from its two columns.
pub(super) fn end(reason: &str, report: Option<serde_json::Value>) -> Result<ServerMatchEnd> {
    let reason = match reason {
        "finished" => ServerMatchReason::Finished,
        "abandoned" => ServerMatchReason::Abandoned,
        "server_lost" => ServerMatchReason::ServerLost,
        "never_started" => ServerMatchReason::NeverStarted,
        "overdue" => ServerMatchReason::Overdue,
        other => return Err(StoreError::corrupt("a server's match", format!("reason `{other}`"))),
    };
    let report: Option<ReportResult> =
        report.map(|report| codec::from_json_value("a server's report", report)).transpose()?;
    let (detail, teams) = match report {
        Some(ReportResult::Abandoned { reason }) => (Some(reason), Vec::new()),
        Some(ReportResult::Finished { teams }) => (None, teams),
        None => (None, Vec::new()),
    };
    Ok(ServerMatchEnd { reason, detail, teams })
}

/// A small number of PostgreSQL as one of ours; the tables' checks keep it in range.
pub(super) fn team(number: i16) -> u8 {
    u8::try_from(number).unwrap_or_default()
}
