//! What a server says of a match while it runs: that it has begun, who came, who left.

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, ServerId, ServiceKeyId};
use muster_core::wire::ReportPlayers;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Servers;
use super::end::{self, Locked};
use crate::StoreError;

/// Why the beginning of a match is not taken.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such match on that server of that key.
    #[error("there is no such match on that server")]
    NotHere,
    /// It is over already.
    #[error("the match is over")]
    Over,
    /// The match never had so many rosters.
    #[error("the match has no such roster yet; it is at {0}")]
    UnknownRoster(u32),
    /// Unknown: say it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why what is said of players is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PlayersError {
    /// There is no such match on that server of that key.
    #[error("there is no such match on that server")]
    NotHere,
    /// It is over already.
    #[error("the match is over")]
    Over,
    /// Somebody is not in the match.
    #[error("{0} is not in the match")]
    UnknownPlayer(PlayerId),
    /// Unknown: say it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StartError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::Error> for PlayersError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Locks a match when it is on this server, and the server is this key's.
pub(super) async fn lock_at(
    tx: &mut PgConnection,
    server: ServerId,
    key: ServiceKeyId,
    match_id: MatchId,
) -> crate::Result<Option<Locked>> {
    // Primary key of play.servers.
    let owned = sqlx::query_scalar!(
        r#"SELECT true AS "owned!" FROM play.servers WHERE server_id = $1 AND service_key_id = $2"#,
        server.uuid(),
        key.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if owned.is_none() {
        return Ok(None);
    }
    Ok(end::lock(tx, match_id).await?.filter(|locked| locked.server == server))
}

impl Servers {
    /// A match has begun, or its server knows of a later roster. May be repeated, in any order.
    pub async fn start(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        match_id: MatchId,
        roster: u32,
        now: DateTime<Utc>,
    ) -> Result<(), StartError> {
        let mut tx = self.postgres.begin().await?;
        let locked = lock_at(&mut tx, server, key, match_id).await?.ok_or(StartError::NotHere)?;
        if locked.is_over() {
            return Err(StartError::Over);
        }
        let known = i32::try_from(roster).unwrap_or(i32::MAX);
        if known > locked.roster {
            return Err(StartError::UnknownRoster(u32::try_from(locked.roster).unwrap_or_default()));
        }
        sqlx::query!(
            r#"
            UPDATE play.server_matches
            SET state = 'running', started_at = coalesce(started_at, $2), roster_known = greatest(roster_known, $3)
            WHERE match_id = $1
            "#,
            match_id.uuid(),
            now,
            known,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who came, and who left for good and may queue again. May be repeated: the first time counts.
    pub async fn players(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        match_id: MatchId,
        report: &ReportPlayers,
        now: DateTime<Utc>,
    ) -> Result<(), PlayersError> {
        let mut tx = self.postgres.begin().await?;
        let locked = lock_at(&mut tx, server, key, match_id).await?.ok_or(PlayersError::NotHere)?;
        if locked.is_over() {
            return Err(PlayersError::Over);
        }
        // Primary key of play.server_match_players.
        let there =
            sqlx::query_scalar!("SELECT player_id FROM play.server_match_players WHERE match_id = $1", match_id.uuid())
                .fetch_all(&mut *tx)
                .await?;
        let stranger = report.joined.iter().chain(&report.left).find(|player| !there.contains(&player.uuid()));
        if let Some(stranger) = stranger {
            return Err(PlayersError::UnknownPlayer(*stranger));
        }
        let uuids = |players: &[PlayerId]| players.iter().map(|player| player.uuid()).collect::<Vec<Uuid>>();
        sqlx::query!(
            r#"
            UPDATE play.server_match_players
            SET joined_at = CASE WHEN player_id = ANY($2) THEN coalesce(joined_at, $4) ELSE joined_at END,
                left_at = CASE WHEN player_id = ANY($3) THEN coalesce(left_at, $4) ELSE left_at END
            WHERE match_id = $1 AND (player_id = ANY($2) OR player_id = ANY($3))
            "#,
            match_id.uuid(),
            &uuids(&report.joined),
            &uuids(&report.left),
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
