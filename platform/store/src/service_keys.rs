//! The keys of trusted servers: what a game's own backend shows to queue players, and to say where their matches are played.
//!
//! The secret is told once, when the key is made; what is kept is its SHA-256. Secrets are 256 random bits, so a plain hash is
//! enough, and looking one up by its hash tells an attacker nothing by how long it takes.

use chrono::{DateTime, Utc};
use muster_core::id::ServiceKeyId;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{Actor, AuditOutcome, NewAudit, Result, StoreError, audit, fresh_id, fresh_secret};

/// What every secret begins with: a leaked one is recognised for what it is.
const PREFIX: &str = "msk_";

/// The key of a trusted server; without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// Which key.
    pub service_key_id: ServiceKeyId,
    /// What it is called: no two valid keys have the same name.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it opens nothing any more.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum ServiceKeyError {
    /// The name is no name.
    #[error("a key's name has 1 to 64 of a-z, 0-9 and `-`")]
    InvalidName,
    /// A valid key is called so.
    #[error("there is a valid key of this name: revoke it first, or choose another name")]
    NameTaken,
    /// Unknown: look at the list.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ServiceKeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Handle on the keys.
#[derive(Clone)]
pub struct ServiceKeys {
    postgres: PgPool,
}

impl ServiceKeys {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// Makes a key, with its audit entry, and returns it with its secret: `msk_` and 64 hex digits, told only now.
    pub async fn create(
        &self,
        name: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<(ServiceKey, String), ServiceKeyError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            return Err(ServiceKeyError::InvalidName);
        }
        let service_key_id: ServiceKeyId = fresh_id();
        let secret = format!("{PREFIX}{}", hex::encode(fresh_secret()));
        let secret_hash = hash(&secret);
        let mut tx = self.postgres.begin().await?;
        // Unique index service_keys_name.
        let made = sqlx::query!(
            r#"
            INSERT INTO play.service_keys (service_key_id, name, secret_hash, created_at)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
            "#,
            service_key_id.uuid(),
            name,
            secret_hash.as_slice(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(ServiceKeyError::NameTaken);
        }
        audited(&mut tx, "service_key.create", service_key_id, name, now).await?;
        tx.commit().await?;
        Ok((ServiceKey { service_key_id, name: name.to_owned(), created_at: now, revoked_at: None }, secret))
    }

    /// The valid key with this secret.
    pub async fn find(&self, secret: &str) -> Result<Option<ServiceKey>> {
        if !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let secret_hash = hash(secret);
        // Unique key of play.service_keys (secret_hash).
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT service_key_id, name, created_at, revoked_at
            FROM play.service_keys
            WHERE secret_hash = $1 AND revoked_at IS NULL
            "#,
            secret_hash.as_slice(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(ServiceKey::from))
    }

    /// Ends the valid key of this name, with its audit entry. None when there is none.
    pub async fn revoke(&self, name: &str, now: DateTime<Utc>) -> Result<Option<ServiceKey>> {
        let mut tx = self.postgres.begin().await?;
        // Unique index service_keys_name.
        let row = sqlx::query_as!(
            Row,
            r#"
            UPDATE play.service_keys
            SET revoked_at = $2
            WHERE name = $1 AND revoked_at IS NULL
            RETURNING service_key_id, name, created_at, revoked_at
            "#,
            name,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(key) = row.map(ServiceKey::from) else { return Ok(None) };
        audited(&mut tx, "service_key.revoke", key.service_key_id, name, now).await?;
        tx.commit().await?;
        Ok(Some(key))
    }

    /// All keys that ever were, newest first; 1,000 at most.
    pub async fn list(&self) -> Result<Vec<ServiceKey>> {
        // A small table.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT service_key_id, name, created_at, revoked_at
            FROM play.service_keys
            ORDER BY created_at DESC, service_key_id DESC
            LIMIT 1000
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows.into_iter().map(ServiceKey::from).collect())
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Keys are made and ended at the command line of the server, by whoever may read its settings.
async fn audited(
    connection: &mut PgConnection,
    action: &str,
    key: ServiceKeyId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let entry = NewAudit {
        actor: Actor::System("console".to_owned()),
        action: action.to_owned(),
        target: Some(key.to_string()),
        reason: None,
        outcome: AuditOutcome::Succeeded,
        details: json!({ "name": name }),
    };
    audit::write(connection, &entry, now).await.map(drop)
}

struct Row {
    service_key_id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Row> for ServiceKey {
    fn from(row: Row) -> Self {
        Self {
            service_key_id: ServiceKeyId::from_uuid(row.service_key_id),
            name: row.name,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        }
    }
}
