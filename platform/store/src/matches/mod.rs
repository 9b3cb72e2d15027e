//! Matches in PostgreSQL: a row from the moment a match is made, its result when it is settled. What happens in between is in
//! the match's log.

mod create;
mod cursor;
mod events;
mod follow;
mod list;
mod record;
mod review;
mod settle;

use muster_core::id::{MatchId, PlayerId};
use sqlx::PgPool;

use crate::{MatchLog, Result};

pub use create::{NewMatch, NewMatchPlayer};
pub use cursor::{InvalidCursor, MatchCursor};
pub use follow::EventStream;
pub use list::{MatchFilter, MatchPage};
pub use record::{MatchRecord, MatchRecordPlayer};
pub use review::{
    HistoryMatch, MatchTelemetry, OpenSeat, PlayerHistory, RatingKey, SettledMatch, SettledSeat, StoredEvent,
    StoredEvents, ToldUnknown, TotalMismatch,
};
pub use settle::{SettleError, Settled, Settlement};

/// Handle on the matches.
#[derive(Clone)]
pub struct Matches {
    postgres: PgPool,
    log: MatchLog,
}

impl Matches {
    pub(crate) fn new(postgres: PgPool, log: MatchLog) -> Self {
        Self { postgres, log }
    }

    /// The newest match of a player that is not finished.
    pub async fn running_of(&self, player: PlayerId) -> Result<Option<MatchId>> {
        // Index match_players_running: a match has no points after it until it is settled.
        let found = sqlx::query_scalar!(
            "SELECT match_id FROM play.match_players WHERE player_id = $1 AND points_after IS NULL LIMIT 1",
            player.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(found.map(MatchId::from_uuid))
    }

    /// All matches that are not finished, oldest first.
    pub async fn unfinished(&self) -> Result<Vec<MatchId>> {
        // Index matches_running.
        let found = sqlx::query_scalar!(
            "SELECT match_id FROM play.matches WHERE state = 'running' ORDER BY created_at, match_id"
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(found.into_iter().map(MatchId::from_uuid).collect())
    }
}
