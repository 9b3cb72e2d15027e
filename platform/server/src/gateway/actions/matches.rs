//! Speaking to a match: commands go to the referee that owns it; when nobody owns it, one is asked to take it over.

use std::time::Duration;

use muster_core::game::Command;
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::MatchView;
use muster_store::{AdoptReply, CallError, MatchCall, MatchReply};
use tokio::time::Instant;

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;

/// Longest wait for one answer of an owner.
const CALL_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Longest wait for all of it: a take-over included.
const PATIENCE: Duration = Duration::from_secs(6);
/// Between two tries when nobody could take the match over.
const RETRY: Duration = Duration::from_millis(100);

impl Gateway {
    /// Plays a command. The id makes it safe to send again: within a match it is done once.
    pub(in crate::gateway) async fn play(
        &self,
        player: PlayerId,
        match_id: MatchId,
        command_id: &str,
        command: Command,
    ) -> Result<(), ApiError> {
        let call = MatchCall::Command { player_id: player, command_id: command_id.to_owned(), command };
        self.call_match(match_id, &call).await.map(drop)
    }

    /// A match as its players and anybody else may see it.
    pub(in crate::gateway) async fn view_match(&self, match_id: MatchId) -> Result<MatchView, ApiError> {
        let record = self.store.matches.get(match_id).await?.ok_or(Code::NotFound)?;
        if record.finished {
            return Ok(record.view());
        }
        match self.call_match(match_id, &MatchCall::View).await {
            Ok(MatchReply::View(view)) => Ok(view),
            Ok(MatchReply::Done { .. } | MatchReply::Refused { .. }) => Err(Code::MatchUnavailable.into()),
            // It ended between the two looks.
            Err(error) if error.code() == Code::MatchOver => {
                Ok(self.store.matches.get(match_id).await?.ok_or(Code::NotFound)?.view())
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the player's running match, if there is one, that the player came or went. Best effort: the clocks of the match are
    /// what ends it when nobody tells.
    pub(in crate::gateway) async fn tell_connection(&self, player: PlayerId, connected: bool) {
        let told = async {
            if let Some(match_id) = self.store.matches.running_of(player).await? {
                self.call_match(match_id, &MatchCall::Connection { player_id: player, connected }).await?;
            }
            Ok::<_, ApiError>(())
        };
        if let Err(error) = told.await
            // Over meanwhile: there is nobody left to tell.
            && error.code() != Code::MatchOver
        {
            tracing::warn!(player_id = %player, connected, code = error.code().as_str(), "the match could not be told of the connection");
        }
    }

    /// Whether the match is there, runs, and the player is in it.
    pub(in crate::gateway) async fn check_player(&self, match_id: MatchId, player: PlayerId) -> Result<(), ApiError> {
        let record = self.store.matches.get(match_id).await?.ok_or(Code::NotFound)?;
        if !record.players.iter().any(|seat| seat.player_id == player) {
            return Err(Code::NotInMatch.into());
        }
        if record.finished {
            return Err(Code::MatchOver.into());
        }
        Ok(())
    }

    async fn call_match(&self, match_id: MatchId, call: &MatchCall) -> Result<MatchReply, ApiError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.store.match_calls.call(match_id, call, CALL_TIMEOUT).await {
                Ok(MatchReply::Refused { code, message }) => {
                    let code = Code::ALL.iter().copied().find(|known| known.as_str() == code).unwrap_or(Code::Internal);
                    return Err(ApiError::with_detail(code, message));
                }
                Ok(reply) => return Ok(reply),
                Err(CallError::Store(error)) => return Err(error.into()),
                Err(CallError::TimedOut) => {}
                Err(CallError::NoOwner) => match self.store.match_calls.adopt(match_id, CALL_TIMEOUT).await {
                    Ok(AdoptReply::Adopted) if Instant::now() < deadline => continue,
                    Ok(AdoptReply::Adopted) => {}
                    // The log is over or gone: what the database says is final.
                    Ok(AdoptReply::Refused { .. }) => {
                        let finished = self.store.matches.get(match_id).await?.is_some_and(|record| record.finished);
                        return Err(if finished { Code::MatchOver } else { Code::MatchUnavailable }.into());
                    }
                    Err(CallError::Store(error)) => return Err(error.into()),
                    Err(CallError::NoOwner | CallError::TimedOut) => {}
                },
            }
            if Instant::now() + RETRY > deadline {
                return Err(Code::MatchUnavailable.into());
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
