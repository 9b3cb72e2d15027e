//! Letting a player go whose socket has ended.

use muster_core::id::{MatchId, PlayerId};

use crate::gateway::Gateway;

/// The socket that was a player's newest has ended: unless there is a newer one by now, the player is gone.
pub(super) async fn let_go(gateway: &Gateway, player: PlayerId, number: u64, playing: Option<MatchId>) {
    match gateway.store.sockets.leave(player, number).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "presence could not be taken back; it ends by itself"
            );
            return;
        }
    }
    let Some(match_id) = playing else { return };
    gateway.tell_connection(match_id, player, false).await;
    // A newer socket may have told the match of its player just before this one did: what is told last has to be so.
    let newest = gateway.store.sockets.newest(&[player]).await;
    if newest.is_ok_and(|newest| newest.first().is_some_and(Option::is_some)) {
        gateway.tell_connection(match_id, player, true).await;
    }
}
