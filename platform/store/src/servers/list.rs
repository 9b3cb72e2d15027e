//! Servers by pages, for staff.

use muster_core::id::ServerId;
use muster_core::wire::{ServerState, ServerView};

use super::Servers;
use super::row::ServerRow;
use crate::Result;

/// The longest page.
const MAX_PAGE: u32 = 200;

/// Which servers to list; all of them by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFilter {
    /// Only those of this region.
    pub region: Option<String>,
    /// Only those in this state.
    pub state: Option<ServerState>,
}

impl Servers {
    /// Servers by their ids, the newest first: `first` (1 to 200) before another one. Those that ended stay for a while.
    pub async fn list(&self, filter: &ServerFilter, before: Option<ServerId>, first: u32) -> Result<Vec<ServerView>> {
        // Primary key of play.servers, backwards.
        let rows = sqlx::query_as!(
            ServerRow,
            r#"
            SELECT server_id, address, region, build, labels, queues, capacity, matches, load_percent, state, registered_at,
                lease_until
            FROM play.servers
            WHERE ($1::uuid IS NULL OR server_id < $1)
              AND ($2::text IS NULL OR region = $2)
              AND ($3::text IS NULL OR CASE WHEN state = 'ready' AND matches > 0 THEN 'allocated' ELSE state END = $3)
            ORDER BY server_id DESC
            LIMIT $4
            "#,
            before.map(ServerId::uuid),
            filter.region,
            filter.state.map(ServerState::as_str),
            i64::from(first.clamp(1, MAX_PAGE)),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(ServerView::try_from).collect()
    }
}
