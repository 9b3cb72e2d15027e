//! Watching other players' matches.

use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{MatchStatus, MatchView};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::watch::Watcher;

impl Gateway {
    /// Watches a match from after an event on. Any signed-in player may, but those who play it.
    pub(in crate::gateway) async fn watch(
        &self,
        player: PlayerId,
        match_id: MatchId,
        after: u64,
    ) -> Result<Watcher, ApiError> {
        if !self.settings.gateway.spectators {
            return Err(Code::SpectatorsOff.into());
        }
        if self.watch_room.is_of(match_id, player) == Some(true) {
            return Err(own_match());
        }
        if let Some(watcher) = self.watch_room.join(match_id, after) {
            return Ok(watcher);
        }
        let view = self.view_match(match_id).await?;
        if view.players.iter().any(|seated| seated.player_id == player) {
            return Err(own_match());
        }
        if self.is_long_over(&view) {
            return Err(Code::MatchOver.into());
        }
        self.watch_room.open(&view, after).map_err(|_| ApiError::from(Code::Busy).retry_after(5))
    }

    /// Whether a match has been over for longer than watchers are behind.
    fn is_long_over(&self, view: &MatchView) -> bool {
        let told_by = view.ended_at.map(|at| at + self.settings.gateway.spectator_delay);
        view.state == MatchStatus::Finished && told_by.is_none_or(|told_by| told_by <= muster_store::now())
    }
}

fn own_match() -> ApiError {
    ApiError::with_detail(
        Code::InMatch,
        "A match's own players do not watch it: its events come to them by themselves.",
    )
}
