//! A server says that it is there.

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{ServerId, ServiceKeyId};
use muster_core::wire::{RegisterServer, ServerView};

use super::Servers;
use super::row::ServerRow;
use crate::{StoreError, codec};

/// How many living servers one key has at most.
const MAX_SERVERS: i64 = 10_000;

/// Why a server is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The id is another server's, or this one's with other words, or of one that is over.
    #[error("a server of this id is registered already")]
    Exists,
    /// The key has as many servers as one may have.
    #[error("the service key has {MAX_SERVERS} servers already")]
    TooMany,
    /// Unknown: ask again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RegisterError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Servers {
    /// Registers a server under a service key: it is `starting`, and its lease runs. The same again while it lives is as good.
    pub async fn register(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        registered: &RegisterServer,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<ServerView, RegisterError> {
        // Index servers_living.
        sqlx::query!(
            r#"
            INSERT INTO play.servers (
                server_id, service_key_id, address, region, build, labels, queues, capacity, registered_at, lease_until)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
            WHERE (SELECT count(*) FROM play.servers WHERE ended_at IS NULL AND service_key_id = $2) < $11
            ON CONFLICT DO NOTHING
            "#,
            server.uuid(),
            key.uuid(),
            registered.address,
            registered.region,
            registered.build,
            codec::to_json_value(&registered.labels),
            &registered.queues,
            i32::from(registered.capacity),
            now,
            now + lease,
            MAX_SERVERS,
        )
        .execute(&self.postgres)
        .await?;
        let Some(view) = self.get(server, key).await? else {
            // Primary key of play.servers.
            let taken = sqlx::query_scalar!("SELECT 1 AS one FROM play.servers WHERE server_id = $1", server.uuid())
                .fetch_optional(&self.postgres)
                .await?;
            return Err(if taken.is_some() { RegisterError::Exists } else { RegisterError::TooMany });
        };
        if view.registered != *registered || view.state.is_over() {
            return Err(RegisterError::Exists);
        }
        Ok(view)
    }

    /// A server of this key, until some time after it is over.
    pub async fn get(&self, server: ServerId, key: ServiceKeyId) -> crate::Result<Option<ServerView>> {
        // Primary key of play.servers.
        let row = sqlx::query_as!(
            ServerRow,
            r#"
            SELECT server_id, address, region, build, labels, queues, capacity, matches, load_percent, state, registered_at,
                lease_until
            FROM play.servers
            WHERE server_id = $1 AND service_key_id = $2
            "#,
            server.uuid(),
            key.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(ServerView::try_from).transpose()
    }
}
