//! Whom a player never wants to play with or against.

use chrono::{DateTime, Utc};
use muster_core::id::PlayerId;
use sqlx::PgPool;

use crate::{Result, StoreError};

/// The most players that one player blocks.
pub const MAX_BLOCKS: usize = 256;

/// Why a player was not blocked.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// There is no such account; either of them.
    #[error("there is no such player")]
    UnknownPlayer,
    /// Nobody blocks themselves.
    #[error("a player cannot block themselves")]
    Oneself,
    /// The list is full.
    #[error("a player blocks {MAX_BLOCKS} others at most")]
    TooMany,
    /// Unknown. Asking again is harmless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BlockError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Handle on the blocks.
#[derive(Clone)]
pub struct Blocks {
    postgres: PgPool,
}

impl Blocks {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// Blocks a player. False when they were blocked already.
    pub async fn add(
        &self,
        player: PlayerId,
        blocked: PlayerId,
        now: DateTime<Utc>,
    ) -> std::result::Result<bool, BlockError> {
        if player == blocked {
            return Err(BlockError::Oneself);
        }
        let mut tx = self.postgres.begin().await?;
        // The lock makes the count right: two additions at once come one after the other. Primary key of player.accounts.
        let there = sqlx::query_scalar!(
            "SELECT player_id FROM player.accounts WHERE player_id = $1 FOR NO KEY UPDATE",
            player.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?;
        let other = sqlx::query_scalar!(
            "SELECT player_id FROM player.accounts WHERE player_id = $1 FOR KEY SHARE",
            blocked.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?;
        if there.is_none() || other.is_none() {
            return Err(BlockError::UnknownPlayer);
        }
        // Primary key of player.blocks.
        let of = sqlx::query!(
            r#"
            SELECT count(*) AS "blocks!", coalesce(bool_or(blocked_id = $2), false) AS "already!"
            FROM player.blocks
            WHERE player_id = $1
            "#,
            player.uuid(),
            blocked.uuid(),
        )
        .fetch_one(&mut *tx)
        .await?;
        if of.already {
            return Ok(false);
        }
        if usize::try_from(of.blocks).unwrap_or(usize::MAX) >= MAX_BLOCKS {
            return Err(BlockError::TooMany);
        }
        sqlx::query!(
            "INSERT INTO player.blocks (player_id, blocked_id, created_at) VALUES ($1, $2, $3)",
            player.uuid(),
            blocked.uuid(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Blocks a player no more. False when they were not blocked.
    pub async fn remove(&self, player: PlayerId, blocked: PlayerId) -> Result<bool> {
        // Primary key of player.blocks.
        let removed = sqlx::query!(
            "DELETE FROM player.blocks WHERE player_id = $1 AND blocked_id = $2",
            player.uuid(),
            blocked.uuid()
        )
        .execute(&self.postgres)
        .await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Whom a player blocks, the newest first; 256 at most.
    pub async fn of(&self, player: PlayerId) -> Result<Vec<PlayerId>> {
        // Primary key of player.blocks.
        let blocked = sqlx::query_scalar!(
            "SELECT blocked_id FROM player.blocks WHERE player_id = $1 ORDER BY created_at DESC, blocked_id",
            player.uuid()
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(blocked.into_iter().map(PlayerId::from_uuid).collect())
    }
}
