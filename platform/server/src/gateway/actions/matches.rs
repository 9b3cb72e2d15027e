//! Speaking to a match: commands go to the referee that owns it; when nobody owns it, one is asked to take it over.

use std::time::Duration;

use muster_core::game::Command;
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{MatchStatus, MatchView};
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

/// What a push means for the match that its player is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Told {
    /// It is in this one now.
    Found(MatchId),
    /// It is in none any more.
    Ended,
    /// Nothing new.
    Nothing,
}

/// Reads a push as it goes over the socket. Hardly any tells of a match's beginning, and only those are read as a whole.
pub(in crate::gateway) fn told(push: &str) -> Told {
    #[derive(serde::Deserialize)]
    struct Outer {
        push: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        r#match: Found,
    }
    #[derive(serde::Deserialize)]
    struct Found {
        match_id: MatchId,
    }
    // Tags come first in our own messages, before anything that a player may have written.
    let head = push.get(..80).unwrap_or(push);
    if head.contains("\"type\":\"match.ended\"") {
        return Told::Ended;
    }
    if !head.contains("\"type\":\"match.found\"") {
        return Told::Nothing;
    }
    serde_json::from_str::<Outer>(push).map_or(Told::Nothing, |outer| Told::Found(outer.push.r#match.match_id))
}

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
        let Some(record) = self.store.matches.get(match_id).await? else {
            return self.view_new_match(match_id).await;
        };
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

    /// A match without a row: it has begun a moment ago, and its row is on its way; or there is none.
    pub(super) async fn view_new_match(&self, match_id: MatchId) -> Result<MatchView, ApiError> {
        match self.store.match_calls.call(match_id, &MatchCall::View, CALL_TIMEOUT).await {
            Ok(MatchReply::View(view)) => return Ok(view),
            Err(CallError::Store(error)) => return Err(error.into()),
            Ok(MatchReply::Done { .. } | MatchReply::Refused { .. })
            | Err(CallError::NoOwner | CallError::TimedOut) => {}
        }
        if self.store.match_log.read(match_id).await?.is_empty() {
            return Err(Code::NotFound.into());
        }
        match self.call_match(match_id, &MatchCall::View).await? {
            MatchReply::View(view) => Ok(view),
            MatchReply::Done { .. } | MatchReply::Refused { .. } => Err(Code::MatchUnavailable.into()),
        }
    }

    /// The match that the player has been told of and whose row is not written yet, if there is one that runs: who connects anew in
    /// that moment would otherwise hear of it neither by a push nor in the welcome.
    pub(in crate::gateway) async fn just_found(&self, player: PlayerId) -> Result<Option<MatchView>, ApiError> {
        let replay = self.store.pushes.since(player, 0).await?;
        let mut newest_first = replay.items.iter().rev().map(|item| told(&item.text));
        let Some(Told::Found(match_id)) = newest_first.find(|told| *told != Told::Nothing) else { return Ok(None) };
        match self.view_match(match_id).await {
            Ok(view) => Ok(Some(view).filter(|view| view.state == MatchStatus::Running)),
            Err(error) if error.code() == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells a match that a player of it came or went. Best effort: the clocks of the match are what ends it when nobody tells.
    pub(in crate::gateway) async fn tell_connection(&self, match_id: MatchId, player: PlayerId, connected: bool) {
        let told = self.call_match(match_id, &MatchCall::Connection { player_id: player, connected }).await;
        if let Err(error) = told
            // Over meanwhile: there is nobody left to tell.
            && error.code() != Code::MatchOver
        {
            tracing::warn!(player_id = %player, connected, code = error.code().as_str(), "the match could not be told of the connection");
        }
    }

    /// Whether the match is there, runs, and the player is in it.
    pub(in crate::gateway) async fn check_player(&self, match_id: MatchId, player: PlayerId) -> Result<(), ApiError> {
        let (is_player, finished) = match self.store.matches.get(match_id).await? {
            Some(record) => (record.players.iter().any(|seat| seat.player_id == player), record.finished),
            None => {
                let view = self.view_new_match(match_id).await?;
                (view.players.iter().any(|seat| seat.player_id == player), view.state == MatchStatus::Finished)
            }
        };
        match (is_player, finished) {
            (false, _) => Err(Code::NotInMatch.into()),
            (true, true) => Err(Code::MatchOver.into()),
            (true, false) => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use muster_core::game::{Mode, Outcome, OutcomeKind, Seat};
    use muster_core::wire::{MatchPlayer, MatchResult, Push, ServerMessage, TicketView};

    use super::*;

    fn found() -> MatchView {
        let player = |seat| MatchPlayer {
            player_id: muster_store::fresh_id(),
            display_name: "\"match.found\"".to_owned(),
            seat,
            rating: 1500.0,
        };
        MatchView {
            match_id: muster_store::fresh_id(),
            queue: "classic-ranked".to_owned(),
            mode: Mode::Classic,
            state: MatchStatus::Running,
            players: vec![player(Seat::First), player(Seat::Second)],
            commitment: "00".repeat(32),
            seed: None,
            created_at: muster_store::now(),
            ended_at: None,
            outcome: None,
            version: 1,
            totals: [0, 0],
            turn: Some(Seat::First),
        }
    }

    fn text(push: Push) -> String {
        serde_json::to_string(&ServerMessage::Push { seq: u64::MAX, push }).unwrap()
    }

    #[test]
    fn a_matchs_beginning_and_end_are_seen_in_the_pushes_that_tell_of_them() {
        let view = found();
        assert_eq!(told(&text(Push::MatchFound { r#match: view.clone() })), Told::Found(view.match_id));
        let events = Push::MatchEvents { match_id: view.match_id, events: Vec::new() };
        assert_eq!(told(&text(events)), Told::Nothing);
        let result = MatchResult {
            outcome: Outcome { kind: OutcomeKind::Won, winner: Some(Seat::First), totals: [101, 0] },
            seed: "00".to_owned(),
            ratings: Vec::new(),
        };
        assert_eq!(told(&text(Push::MatchEnded { match_id: view.match_id, result })), Told::Ended);
        let ticket = TicketView {
            ticket_id: muster_store::fresh_id(),
            queue: "\"type\":\"match.found\"".to_owned(),
            state: muster_core::wire::TicketState::Waiting,
            reason: None,
            created_at: muster_store::now(),
            players: Vec::new(),
            estimated_wait_ms: None,
            proposal: None,
            match_id: None,
        };
        assert_eq!(told(&text(Push::TicketUpdated { ticket })), Told::Nothing);
        assert_eq!(told(""), Told::Nothing);
    }
}
