//! Leaderboards, with names.

use std::collections::HashMap;

use muster_core::game::Mode;
use muster_core::id::PlayerId;
use muster_core::wire::{Leaderboard, PlayerStanding, RankedPlayer};
use muster_store::{BoardCursor, Ranked};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;

impl Gateway {
    /// A page of a mode's leaderboard.
    pub(in crate::gateway) async fn leaderboard(
        &self,
        mode: Mode,
        after: Option<BoardCursor>,
        first: u32,
    ) -> Result<Leaderboard, ApiError> {
        let part = self.store.leaderboards.page(mode, after, first).await?;
        let end = part.ranked.last().map(|last| BoardCursor { score: last.score, player_id: last.player_id });
        Ok(Leaderboard {
            mode,
            players: part.players,
            ranked: self.with_names(part.ranked).await?,
            end_cursor: end.map(|end| end.to_string()),
        })
    }

    /// Where a player stands, with neighbours.
    pub(in crate::gateway) async fn standing(
        &self,
        mode: Mode,
        player: PlayerId,
        around: u32,
    ) -> Result<PlayerStanding, ApiError> {
        let unranked = || {
            let detail = format!("The player is not on the board of {mode}: the first ranked match puts them there.");
            ApiError::with_detail(Code::NotFound, detail)
        };
        let part = self.store.leaderboards.around(mode, player, around).await?.ok_or_else(unranked)?;
        let own = part.ranked.iter().find(|ranked| ranked.player_id == player).copied().ok_or_else(unranked)?;
        Ok(PlayerStanding {
            mode,
            players: part.players,
            rank: own.rank,
            score: own.score,
            around: self.with_names(part.ranked).await?,
        })
    }

    async fn with_names(&self, ranked: Vec<Ranked>) -> Result<Vec<RankedPlayer>, ApiError> {
        let players: Vec<PlayerId> = ranked.iter().map(|ranked| ranked.player_id).collect();
        let accounts = self.store.accounts.get_many(&players).await?;
        let mut names: HashMap<PlayerId, String> =
            accounts.into_iter().map(|account| (account.player_id, account.display_name)).collect();
        let named = |Ranked { rank, player_id, score }| RankedPlayer {
            rank,
            player_id,
            display_name: names.remove(&player_id),
            score,
        };
        Ok(ranked.into_iter().map(named).collect())
    }
}
