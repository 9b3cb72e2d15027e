//! A match from the bot's first look to its end.

use std::time::Duration;

use muster_core::{
    game::Seat,
    wire::{LoggedEvent, MatchResult, MatchStatus, MatchView},
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Bot, PlayedMatch, find::patiently};
use crate::{
    connection::{ClientEvent, Connection},
    error::ClientError,
    mirror::{Gap, MatchMirror},
    session::Session,
};

/// After so long without an entry the log is read, in case one was lost. Shorter than the turn's clock.
const READ_AFTER: Duration = Duration::from_secs(12);

/// Before thinking again about what was refused: the platform may still be busy with what made it refuse.
const AFTER_REFUSAL: Duration = Duration::from_millis(250);

/// A match in play.
struct Play {
    mirror: MatchMirror,
    seat: Seat,
    result: Option<MatchResult>,
    /// When the bot has thought enough, and the state that it thought about.
    move_at: Option<Instant>,
    thought_about: Option<u64>,
    news_at: Instant,
    moves: u32,
}

impl Bot {
    /// Plays a running match to its end.
    ///
    /// # Errors
    /// When this player is not in it, or the platform bars the player.
    pub async fn play_match(
        &mut self,
        session: &Session,
        connection: &mut Connection,
        view: MatchView,
    ) -> Result<PlayedMatch, ClientError> {
        let began = Instant::now();
        let mirror = MatchMirror::new(&view);
        let seat = mirror.seat_of(session.player_id()).ok_or_else(|| ClientError::Refused {
            code: "not_in_match".to_owned(),
            message: format!("player {} does not play in {}", session.player_id(), view.match_id),
        })?;
        let mut play =
            Play { mirror, seat, result: None, move_at: None, thought_about: None, news_at: began, moves: 0 };
        self.catch_up(session, &mut play).await?;
        while play.result.is_none() {
            self.think_about(&mut play);
            let move_at = play.move_at;
            tokio::select! {
                event = connection.next() => self.hear(session, &mut play, event.ok_or(ClientError::Closed)?).await?,
                () = moment(move_at) => self.make_move(session, connection, &mut play).await?,
                () = sleep_until(play.news_at + READ_AFTER) => self.catch_up(session, &mut play).await?,
            }
        }
        self.last_match = Some(view.match_id);
        self.complete(session, play, view, began).await
    }

    /// Begins to think once per state in which it is the bot's turn.
    fn think_about(&mut self, play: &mut Play) {
        let version = play.mirror.seq();
        if !play.mirror.is_turn_of(play.seat) {
            play.move_at = None;
        } else if play.thought_about != Some(version) {
            play.thought_about = Some(version);
            play.move_at = Some(Instant::now() + self.think());
        }
    }

    async fn make_move(
        &mut self,
        session: &Session,
        connection: &Connection,
        play: &mut Play,
    ) -> Result<(), ClientError> {
        play.move_at = None;
        let command = self.choose(play.mirror.state(), play.seat);
        match connection.command(play.mirror.match_id(), command).await {
            Ok(()) => play.moves += 1,
            Err(error @ (ClientError::Refused { .. } | ClientError::NoAnswer(_))) => {
                // The clock was quicker, or the match went on without us: what is true is in the log.
                tracing::debug!(%error, match_id = %play.mirror.match_id(), "the move was not taken");
                sleep(AFTER_REFUSAL).await;
                self.catch_up(session, play).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn hear(&mut self, session: &Session, play: &mut Play, event: ClientEvent) -> Result<(), ClientError> {
        let this = play.mirror.match_id();
        match event {
            ClientEvent::MatchEvents { match_id, events } if match_id == this => {
                let folded = self.fold(play, &events);
                if folded.is_err() {
                    self.catch_up(session, play).await?;
                }
            }
            ClientEvent::MatchEnded { match_id, result } if match_id == this => play.result = Some(result),
            ClientEvent::Connected { resumed: false, .. } => self.catch_up(session, play).await?,
            ClientEvent::Disconnected { reason, retrying: false } => {
                return Err(ClientError::Refused { code: "disconnected".to_owned(), message: reason.to_string() });
            }
            ClientEvent::Error { code, message } => {
                tracing::debug!(code, message, "the platform complains")
            }
            _ => {}
        }
        Ok(())
    }

    fn fold(&mut self, play: &mut Play, events: &[LoggedEvent]) -> Result<(), Gap> {
        let known = play.mirror.seq();
        let news = play.mirror.apply(events)?.len();
        if news > 0 {
            play.news_at = Instant::now();
        }
        if let Some(watcher) = &mut self.watcher {
            for entry in play.mirror.log().iter().filter(|entry| entry.seq > known) {
                watcher(&play.mirror, entry);
            }
        }
        Ok(())
    }

    /// Reads what is missing of the log; and when the match is over, its result, in case the push was missed.
    async fn catch_up(&mut self, session: &Session, play: &mut Play) -> Result<(), ClientError> {
        play.news_at = Instant::now();
        // What was decided about may not have been taken: think again.
        play.thought_about = None;
        let match_id = play.mirror.match_id();
        let after = play.mirror.seq();
        let log = patiently(|| session.match_log(match_id, after)).await?;
        if let Err(gap) = self.fold(play, &log) {
            return Err(ClientError::Answer { what: "the match's log".to_owned(), reason: gap.to_string() });
        }
        if play.mirror.outcome().is_some() && play.result.is_none() {
            let view = patiently(|| session.match_view(match_id)).await?;
            play.result = result_of(&view);
        }
        Ok(())
    }

    async fn complete(
        &mut self,
        session: &Session,
        mut play: Play,
        view: MatchView,
        began: Instant,
    ) -> Result<PlayedMatch, ClientError> {
        // The result may overtake the last entries.
        if play.mirror.outcome().is_none() {
            self.catch_up(session, &mut play).await?;
        }
        let result = play.result.ok_or_else(|| ClientError::Answer {
            what: "the match".to_owned(),
            reason: "it ended without a result".to_owned(),
        })?;
        Ok(PlayedMatch {
            view,
            seat: play.seat,
            result,
            log: play.mirror.log().to_vec(),
            moves: play.moves,
            waited: std::mem::take(&mut self.waited),
            took: began.elapsed(),
        })
    }
}

/// The result as a finished match shows it. The ratings' changes are told once, in the push.
fn result_of(view: &MatchView) -> Option<MatchResult> {
    if view.state != MatchStatus::Finished {
        return None;
    }
    let (outcome, seed) = (view.outcome?, view.seed.clone()?);
    Some(MatchResult { outcome, seed, ratings: Vec::new() })
}

/// At that moment, or never.
async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
