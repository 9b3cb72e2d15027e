//! The keys of trusted servers: what a game's own backend shows to queue players, and to say where their matches are played.
//!
//! The secret is told once, when the key is made; what is kept is its SHA-256. Secrets are 256 random bits, so a plain hash is
//! enough, and looking one up by its hash tells an attacker nothing by how long it takes.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use muster_core::id::ServiceKeyId;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{Actor, AuditOutcome, NewAudit, Result, StoreError, audit, codec, fresh_id, fresh_secret};

/// What every secret begins with: a leaked one is recognised for what it is.
const PREFIX: &str = "msk_";

/// What a key opens; one that leaks opens no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// What a game's own servers do: tickets for players, matches, results, events.
    Game,
    /// What programs do that run the platform: close regions and open them.
    Operations,
}

impl KeyPurpose {
    /// One word, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Game => "game",
            Self::Operations => "operations",
        }
    }
}

impl FromStr for KeyPurpose {
    type Err = InvalidPurpose;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidPurpose> {
        match text {
            "game" => Ok(Self::Game),
            "operations" => Ok(Self::Operations),
            _ => Err(InvalidPurpose),
        }
    }
}

/// A word that is no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `game` or `operations`")]
pub struct InvalidPurpose;

/// The key of a trusted server; without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// Which key.
    pub service_key_id: ServiceKeyId,
    /// What it is called: no two valid keys have the same name.
    pub name: String,
    /// What it opens.
    pub purpose: KeyPurpose,
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
        purpose: KeyPurpose,
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
            INSERT INTO play.service_keys (service_key_id, name, purpose, secret_hash, created_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
            "#,
            service_key_id.uuid(),
            name,
            purpose.as_str(),
            secret_hash.as_slice(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Err(ServiceKeyError::NameTaken);
        }
        audited(&mut tx, "service_key.create", service_key_id, name, purpose, now).await?;
        tx.commit().await?;
        Ok((ServiceKey { service_key_id, name: name.to_owned(), purpose, created_at: now, revoked_at: None }, secret))
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
            SELECT service_key_id, name, purpose, created_at, revoked_at
            FROM play.service_keys
            WHERE secret_hash = $1 AND revoked_at IS NULL
            "#,
            secret_hash.as_slice(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(ServiceKey::try_from).transpose()
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
            RETURNING service_key_id, name, purpose, created_at, revoked_at
            "#,
            name,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(key) = row.map(ServiceKey::try_from).transpose()? else { return Ok(None) };
        audited(&mut tx, "service_key.revoke", key.service_key_id, name, key.purpose, now).await?;
        tx.commit().await?;
        Ok(Some(key))
    }

    /// All keys that ever were, newest first; 1,000 at most.
    pub async fn list(&self) -> Result<Vec<ServiceKey>> {
        // A small table.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT service_key_id, name, purpose, created_at, revoked_at
            FROM play.service_keys
            ORDER BY created_at DESC, service_key_id DESC
            LIMIT 1000
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(ServiceKey::try_from).collect()
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
    purpose: KeyPurpose,
    now: DateTime<Utc>,
) -> Result<()> {
    let entry = NewAudit {
        actor: Actor::System("console".to_owned()),
        action: action.to_owned(),
        target: Some(key.to_string()),
        reason: None,
        outcome: AuditOutcome::Succeeded,
        details: json!({ "name": name, "purpose": purpose.as_str() }),
    };
    audit::write(connection, &entry, now).await.map(drop)
}

struct Row {
    service_key_id: Uuid,
    name: String,
    purpose: String,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for ServiceKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            service_key_id: ServiceKeyId::from_uuid(row.service_key_id),
            name: row.name,
            purpose: codec::parse("a key's purpose", &row.purpose)?,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        })
    }
}
