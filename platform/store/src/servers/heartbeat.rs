//! A server says that it is still there, and how it is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{ServerId, ServiceKeyId};
use muster_core::wire::{Heartbeat, ServerReport, ServerState, ServerView};

use super::Servers;
use crate::StoreError;

/// Why a heartbeat is of no use.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// This key has no server of this id.
    #[error("there is no such server")]
    NotFound,
    /// It fell silent for too long: its matches were ended, and it has to register anew.
    #[error("the server counts as lost")]
    Lost,
    /// Unknown: say it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for HeartbeatError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Servers {
    /// Renews a server's lease, and takes down how it is. Draining is for good; a drained server without matches is gone.
    ///
    /// However often it is called, it writes only where something is new: another state, a load that differs by ten percent or has
    /// reached or left 100, or a lease of which a third is over.
    pub async fn heartbeat(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        beat: &Heartbeat,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<ServerView, HeartbeatError> {
        // Primary key of play.servers; a row that needs no change is not written.
        sqlx::query!(
            r#"
            UPDATE play.servers
            SET lease_until = greatest(lease_until, $4), load_percent = $5,
                state = CASE
                    WHEN state <> 'draining' AND $3 <> 'draining' THEN $3
                    WHEN matches = 0 THEN 'gone'
                    ELSE 'draining' END,
                ended_at = CASE WHEN (state = 'draining' OR $3 = 'draining') AND matches = 0 THEN $6::timestamptz END
            WHERE server_id = $1 AND service_key_id = $2 AND ended_at IS NULL
                AND (lease_until < $7 OR (state <> $3 AND state <> 'draining') OR (state = 'draining' AND matches = 0)
                    OR (load_percent IS NULL) <> ($5::smallint IS NULL) OR abs(load_percent - $5) >= 10
                    OR (load_percent >= 100) <> ($5 >= 100))
            "#,
            server.uuid(),
            key.uuid(),
            beat.state.as_str(),
            now + lease,
            beat.load_percent.map(i16::from),
            now,
            now + lease * 2 / 3,
        )
        .execute(&self.postgres)
        .await?;
        let view = self.get(server, key).await?.ok_or(HeartbeatError::NotFound)?;
        if view.state == ServerState::Lost { Err(HeartbeatError::Lost) } else { Ok(view) }
    }

    /// Lets a server drain: it gets nothing new, and is gone when its last match is over. May be repeated.
    pub async fn drain(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        now: DateTime<Utc>,
    ) -> Result<ServerView, HeartbeatError> {
        let beat = Heartbeat { state: ServerReport::Draining, load_percent: None };
        self.heartbeat(server, key, &beat, now, Duration::ZERO).await
    }
}
