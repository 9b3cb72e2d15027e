//! Players' accounts, and the devices they sign in with.

mod door;
mod part;

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, SubjectId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Result, fresh_id};

pub use door::{AtTheDoor, Ladder};

/// A player, as the platform knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The player.
    pub player_id: PlayerId,
    /// What other players see; 1 to 32 characters.
    pub display_name: String,
    /// What telemetry calls this player.
    pub subject_id: SubjectId,
    /// When the first device signed in.
    pub created_at: DateTime<Utc>,
}

/// An account, and whether it was made just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSignIn {
    /// The account.
    pub account: Account,
    /// Whether this sign-in made it.
    pub new_account: bool,
}

/// Handle on the accounts.
#[derive(Clone)]
pub struct Accounts {
    postgres: PgPool,
    /// Only for what is asked of players who want to queue.
    door: PgPool,
}

impl Accounts {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { door: door::connections(&postgres), postgres }
    }

    /// The account of a device, made on first sight. A `display_name` (1 to 32 characters) renames the player; a new player
    /// without one is called `Player 1A2B`.
    pub async fn sign_in(
        &self,
        device_hash: &[u8; 32],
        display_name: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<AccountSignIn> {
        if let Some(account) = self.known_device(device_hash, display_name, now).await? {
            return Ok(AccountSignIn { account, new_account: false });
        }
        if let Some(account) = self.first_sight(device_hash, display_name, now).await? {
            return Ok(AccountSignIn { account, new_account: true });
        }
        // Another request made it between the two: devices are never taken away, so now it is known.
        let account = self.known_device(device_hash, display_name, now).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok(AccountSignIn { account, new_account: false })
    }

    async fn known_device(
        &self,
        device_hash: &[u8; 32],
        display_name: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Account>> {
        // Primary key of player.devices, then of player.accounts.
        let row = sqlx::query!(
            r#"
            UPDATE player.accounts a
            SET signed_in_at = $2, display_name = coalesce($3, a.display_name)
            FROM player.devices d, player.subjects s
            WHERE d.device_hash = $1 AND a.player_id = d.player_id AND s.player_id = d.player_id
            RETURNING a.player_id, a.display_name, s.subject_id, a.created_at
            "#,
            device_hash.as_slice(),
            now,
            display_name,
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(|row| account(row.player_id, row.display_name, row.subject_id, row.created_at)))
    }

    /// None when the device became known meanwhile.
    async fn first_sight(
        &self,
        device_hash: &[u8; 32],
        display_name: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<Account>> {
        let player_id: PlayerId = fresh_id();
        let subject_id = fresh_subject();
        let display_name = display_name.map_or_else(|| default_name(player_id), str::to_owned);

        let mut tx = self.postgres.begin().await?;
        sqlx::query!(
            "INSERT INTO player.accounts (player_id, display_name, created_at, signed_in_at) VALUES ($1, $2, $3, $3)",
            player_id.uuid(),
            display_name,
            now,
        )
        .execute(&mut *tx)
        .await?;
        // Waits for another sign-in of the same device to end, and then finds its row.
        let device = sqlx::query!(
            "INSERT INTO player.devices (device_hash, player_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            device_hash.as_slice(),
            player_id.uuid(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        if device.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        sqlx::query!(
            "INSERT INTO player.subjects (subject_id, player_id) VALUES ($1, $2)",
            subject_id,
            player_id.uuid()
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(account(player_id.uuid(), display_name, subject_id, now)))
    }

    /// One account.
    pub async fn get(&self, player: PlayerId) -> Result<Option<Account>> {
        Ok(self.get_many(&[player]).await?.pop())
    }

    /// Several accounts, in no order; unknown players are absent.
    pub async fn get_many(&self, players: &[PlayerId]) -> Result<Vec<Account>> {
        let players: Vec<Uuid> = players.iter().map(|player| player.uuid()).collect();
        // Primary key of player.accounts.
        let rows = sqlx::query!(
            r#"
            SELECT a.player_id, a.display_name, s.subject_id, a.created_at
            FROM player.accounts a
            JOIN player.subjects s USING (player_id)
            WHERE a.player_id = ANY($1)
            "#,
            &players,
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| account(row.player_id, row.display_name, row.subject_id, row.created_at))
            .collect())
    }
}

fn account(player_id: Uuid, display_name: String, subject_id: Uuid, created_at: DateTime<Utc>) -> Account {
    Account {
        player_id: PlayerId::from_uuid(player_id),
        display_name,
        subject_id: SubjectId::from_uuid(subject_id),
        created_at,
    }
}

/// What telemetry shall call a player. Not a UUIDv7: its time would tell which account a subject belongs to.
fn fresh_subject() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}

/// From the random end of the id, so that two newcomers are told apart.
fn default_name(player: PlayerId) -> String {
    let [.., high, low] = *player.uuid().as_bytes();
    format!("Player {high:02X}{low:02X}")
}
