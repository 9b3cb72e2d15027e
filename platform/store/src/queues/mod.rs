//! Queues: which there are, by which rules, and who changed them why. Every version stays in PostgreSQL, which is the truth; the
//! newest of each is published in the NATS key-value bucket `queues`, from where every process has a change at once.
//!
//! ```text
//! put ──► PostgreSQL (version and audit entry, one transaction) ──► bucket `queues` ──► watch, in every process
//!                     └────────── publish, every few seconds ──────────┘
//! ```

mod publish;
mod put;
mod watch;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_core::matchmaking::QueueDefinition;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::nats::Nats;
use crate::{Domain, Result, codec};

pub use put::{PutQueueError, QueueChange};
pub use watch::QueueWatch;

/// One version of a queue's rules.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueVersion {
    /// The rules.
    pub definition: QueueDefinition,
    /// Who made this version.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Handle on the queues.
#[derive(Clone)]
pub struct Queues {
    postgres: PgPool,
    nats: Nats,
    domain: Domain,
    published: Arc<Mutex<Option<publish::Published>>>,
}

impl Queues {
    pub(crate) fn new(postgres: PgPool, nats: Nats, domain: Domain) -> Self {
        Self { postgres, nats, domain, published: Arc::default() }
    }

    /// Adds the versions that are not there yet, and tells how many they were. What is there stays as it is, so this may run
    /// at every start.
    pub async fn seed(&self, shipped: &[QueueDefinition], now: DateTime<Utc>) -> Result<u64> {
        let mut added = 0;
        let mut tx = self.postgres.begin().await?;
        for definition in shipped {
            let row = sqlx::query!(
                r#"
                INSERT INTO play.queues (queue, version, definition, author, reason, created_at)
                VALUES ($1, $2, $3, 'muster', 'shipped with the platform', $4)
                ON CONFLICT DO NOTHING
                "#,
                definition.name,
                i32::try_from(definition.version).unwrap_or(i32::MAX),
                codec::to_json_value(definition),
                now,
            )
            .execute(&mut *tx)
            .await?;
            added += row.rows_affected();
        }
        tx.commit().await?;
        Ok(added)
    }

    /// The newest version of every queue, by name.
    pub async fn list(&self) -> Result<Vec<QueueDefinition>> {
        let definitions =
            sqlx::query_scalar!("SELECT DISTINCT ON (queue) definition FROM play.queues ORDER BY queue, version DESC")
                .fetch_all(&self.postgres)
                .await?;
        definitions.into_iter().map(|definition| codec::from_json_value("a queue", definition)).collect()
    }

    /// The newest version of one queue.
    pub async fn get(&self, name: &str) -> Result<Option<QueueDefinition>> {
        // Primary key of play.queues, backwards.
        let definition = sqlx::query_scalar!(
            "SELECT definition FROM play.queues WHERE queue = $1 ORDER BY version DESC LIMIT 1",
            name
        )
        .fetch_optional(&self.postgres)
        .await?;
        definition.map(|definition| codec::from_json_value("a queue", definition)).transpose()
    }

    /// One version of one queue.
    pub async fn version(&self, name: &str, version: u32) -> Result<Option<QueueVersion>> {
        // Primary key of play.queues.
        let row = sqlx::query_as!(
            Row,
            "SELECT definition, author, reason, created_at FROM play.queues WHERE queue = $1 AND version = $2",
            name,
            i32::try_from(version).unwrap_or(i32::MAX),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(QueueVersion::try_from).transpose()
    }

    /// Every version of one queue, newest first; empty when there is no such queue.
    pub async fn history(&self, name: &str) -> Result<Vec<QueueVersion>> {
        // Primary key of play.queues, backwards.
        let rows = sqlx::query_as!(
            Row,
            "SELECT definition, author, reason, created_at FROM play.queues WHERE queue = $1 ORDER BY version DESC",
            name
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(QueueVersion::try_from).collect()
    }
}

struct Row {
    definition: serde_json::Value,
    author: String,
    reason: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for QueueVersion {
    type Error = crate::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            definition: codec::from_json_value("a queue", row.definition)?,
            author: row.author,
            reason: row.reason,
            created_at: row.created_at,
        })
    }
}
