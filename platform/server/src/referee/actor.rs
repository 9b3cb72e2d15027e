//! One running match: calls and clocks in, decisions into the log, events out to the players.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt};
use muster_core::game::{Action, decide};
use muster_core::id::{MatchId, PlayerId};
use muster_store::{AppendError, CallStream, IncomingCall, MatchCall, MatchReply, Store, StoreError};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use super::owned::{Link, Note};
use super::record::MatchRecord;
use super::take_over::owners_unchanged;
use super::tell::Teller;
use super::{AdoptError, Referee};
use crate::error::Code;
use crate::events;

/// Between two tries to store a result.
const SETTLE_AGAIN: Duration = Duration::from_secs(2);

/// A match that this process owns.
pub(super) struct Actor {
    referee: Referee,
    record: MatchRecord,
    teller: Teller,
    calls: CallStream,
    link: Arc<Link>,
}

/// Why an owner lets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// Settled.
    Over,
    /// Somebody else has written to the log.
    Fenced,
    /// The log could not be read or written; another try comes from the sweep.
    Unsure,
    /// This process is about to stop.
    Draining,
}

impl Leave {
    fn reason(self) -> &'static str {
        match self {
            Leave::Over => "over",
            Leave::Fenced => "fenced",
            Leave::Unsure => "unsure",
            Leave::Draining => "draining",
        }
    }
}

impl Actor {
    pub(super) fn new(referee: Referee, record: MatchRecord, teller: Teller, calls: CallStream) -> Self {
        let link = Arc::new(Link::new(record.created.players, &record.state));
        Self { referee, record, teller, calls, link }
    }

    /// What the other tasks of the process need of it.
    pub(super) fn link(&self) -> Arc<Link> {
        self.link.clone()
    }

    fn is_over(&self) -> bool {
        self.record.outcome().is_some()
    }

    fn store(&self) -> &Store {
        &self.referee.0.store
    }

    fn match_id(&self) -> MatchId {
        self.record.created.match_id
    }

    /// Serves the match until it is over or somebody else's.
    pub(super) async fn run(mut self) {
        let match_id = self.match_id();
        let leave = self.serve().await;
        if leave == Leave::Over {
            Box::pin(self.answer_the_late()).await;
        }
        let owners = &self.store().match_owners;
        let told = match leave {
            // Long ago, so that whoever sweeps next finds it at once.
            Leave::Draining | Leave::Unsure => Box::pin(owners.beat(&[match_id], DateTime::UNIX_EPOCH)).await,
            // The settlement has taken it off the list, or it is somebody else's.
            Leave::Over | Leave::Fenced => Ok(()),
        };
        if let Err(error) = told {
            owners_unchanged(match_id, &error);
        }
        events::match_left(match_id, leave.reason());
    }

    async fn serve(&mut self) -> Leave {
        let drain = self.referee.0.drain.clone();
        // When to settle: at once when the last owner died between the end and the settlement.
        let mut settle_at = self.is_over().then(Instant::now);
        loop {
            let deadline = self.record.state.next_deadline();
            // What is done is boxed: a match mostly waits, and must not take the room of its work meanwhile.
            let step = tokio::select! {
                () = drain.cancelled() => Err(Leave::Draining),
                call = self.calls.next() => match call {
                    Some(call) => Box::pin(self.hear(call)).await,
                    None => Err(Leave::Unsure),
                },
                notes = self.link.notes() => Box::pin(self.heed(notes)).await,
                () = until(deadline) => Box::pin(self.act(Action::Tick, None, None)).await.map(drop),
                () = self.teller.due() => {
                    Box::pin(self.teller.tell_missing(&self.record)).await;
                    Ok(())
                }
                () = moment(settle_at) => match Box::pin(self.settle()).await {
                    Ok(()) => return Leave::Over,
                    // Kept here: nobody else could do it any better.
                    Err(error) => {
                        settle_at = Some(Instant::now() + SETTLE_AGAIN);
                        events::settlement_failed(self.match_id(), &error);
                        Ok(())
                    }
                },
            };
            if let Err(leave) = step {
                return leave;
            }
            if self.is_over() && settle_at.is_none() {
                settle_at = Some(Instant::now());
            }
        }
    }

    /// Answers one call.
    async fn hear(&mut self, incoming: IncomingCall) -> Result<(), Leave> {
        if !incoming.is_traced() {
            return self.reply(incoming).await;
        }
        let span = tracing::info_span!("match_call", match_id = %self.match_id());
        incoming.adopt_trace(&span);
        self.reply(incoming).instrument(span).await
    }

    async fn reply(&mut self, incoming: IncomingCall) -> Result<(), Leave> {
        let reply = self.answer(&incoming.call).await?;
        if let Err(error) = incoming.reply(&reply).await {
            tracing::warn!(match_id = %self.match_id(), error = &error as &dyn std::error::Error, "a match call could not be answered");
        }
        Ok(())
    }

    async fn answer(&mut self, call: &MatchCall) -> Result<MatchReply, Leave> {
        match call {
            MatchCall::View => {
                self.check_log().await?;
                Ok(MatchReply::View(self.record.view()))
            }
            MatchCall::Connection { player_id, connected } => {
                let Some(seat) = self.record.seat_of(*player_id) else { return Ok(refused(Code::NotInMatch)) };
                let action = if *connected { Action::Returned { seat } } else { Action::Dropped { seat } };
                self.act(action, Some(*player_id), None).await
            }
            MatchCall::Command { player_id, command_id, command } => {
                let Some(seat) = self.record.seat_of(*player_id) else { return Ok(refused(Code::NotInMatch)) };
                if self.record.was_answered(seat, command_id) {
                    return Ok(self.done());
                }
                if !self.record.state.connected[seat.index()] && !self.is_over() {
                    // Who plays is there, whatever was heard of their socket.
                    self.act(Action::Returned { seat }, Some(*player_id), None).await?;
                }
                self.act(Action::Command { seat, command: *command }, Some(*player_id), Some(command_id.clone())).await
            }
        }
    }

    /// Answers what has come during the settlement: nobody else will, and its callers would wait in vain.
    async fn answer_the_late(&mut self) {
        while let Some(Some(incoming)) = self.calls.next().now_or_never() {
            let reply = match &incoming.call {
                MatchCall::View => MatchReply::View(self.record.view()),
                MatchCall::Command { player_id, command_id, .. } if self.was_answered(*player_id, command_id) => {
                    self.done()
                }
                MatchCall::Command { .. } | MatchCall::Connection { .. } => refused(Code::MatchOver),
            };
            if incoming.reply(&reply).await.is_err() {
                return;
            }
        }
    }

    fn was_answered(&self, player: PlayerId, command_id: &str) -> bool {
        self.record.seat_of(player).is_some_and(|seat| self.record.was_answered(seat, command_id))
    }

    /// Looks into what other tasks of the process have noticed.
    async fn heed(&mut self, notes: Vec<Note>) -> Result<(), Leave> {
        for note in notes {
            match note {
                Note::CheckLog => self.check_log().await?,
                Note::Absent(seat) => drop(self.act(Action::Dropped { seat }, None, None).await?),
                Note::Present(seat) => drop(self.act(Action::Returned { seat }, None, None).await?),
            }
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn done(&self) -> MatchReply {
        MatchReply::Done { version: self.record.version() }
    }

    /// Decides, appends, then tells: in this order, always.
    async fn act(
        &mut self,
        action: Action,
        by: Option<PlayerId>,
        command_id: Option<String>,
    ) -> Result<MatchReply, Leave> {
        let at = muster_store::now();
        let decided = match decide(&self.record.state, &action, &self.record.dice, at) {
            Ok(decided) => decided,
            Err(refusal) => {
                self.check_log().await?;
                return Ok(refused(refusal.into()));
            }
        };
        if decided.is_empty() {
            if by.is_some() {
                self.check_log().await?;
            }
            return Ok(self.done());
        }
        let entry = self.record.entry(by, command_id, decided, at);
        let began = Instant::now();
        match self.store().match_log.append(self.match_id(), self.record.last_seq, &entry).await {
            Ok(seq) => {
                let appended = Instant::now();
                events::match_appended(appended - began);
                if let Err(error) = self.record.apply(seq, entry) {
                    tracing::error!(match_id = %self.match_id(), error = &error as &dyn std::error::Error, "a decision does not fit its match");
                    return Err(Leave::Unsure);
                }
                self.link.show(&self.record.state);
                self.teller.tell(&self.record).await;
                events::match_told(appended.elapsed());
                Ok(self.done())
            }
            Err(AppendError::Fenced) => Err(self.fenced()),
            // Whether it was written is not known. Letting go and replaying is always right; the caller repeats its command by id.
            Err(AppendError::Store(error)) => Err(self.unsure(&error)),
        }
    }

    /// Makes sure that nobody else has written to the log. An answer that no append stands behind (a refusal, a view) needs it: a
    /// process that was frozen, or cut off, finds its match in other hands, and what it remembers is old.
    async fn check_log(&self) -> Result<(), Leave> {
        match self.store().match_log.last_seq(self.match_id()).await {
            Ok(last) if last == self.record.last_seq => Ok(()),
            Ok(_) => Err(self.fenced()),
            Err(error) => Err(self.unsure(&error)),
        }
    }

    fn fenced(&self) -> Leave {
        events::match_fenced(self.match_id());
        Leave::Fenced
    }

    fn unsure(&self, error: &StoreError) -> Leave {
        tracing::warn!(match_id = %self.match_id(), error = error as &dyn std::error::Error, "the log of a match gave no answer");
        Leave::Unsure
    }

    /// Stores the result, tells the players, and lets the log go.
    async fn settle(&mut self) -> Result<(), AdoptError> {
        if !self.record.is_whole() {
            let log = self.store().match_log.read(self.match_id()).await?;
            self.record.complete(&log).map_err(|error| AdoptError::Corrupt(error.to_string()))?;
        }
        // The moves that a player was not told of come before the result.
        if self.teller.is_behind() {
            self.teller.tell_missing(&self.record).await;
        }
        self.referee.0.settler.settle(&self.record).await
    }
}

fn refused(code: Code) -> MatchReply {
    MatchReply::Refused { code: code.as_str().to_owned(), message: code.advice().to_owned() }
}

/// At that moment, or never.
async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Sleeps until a moment of the wall clock; for ever when there is none.
async fn until(deadline: Option<DateTime<Utc>>) {
    match deadline {
        Some(deadline) => {
            // A millisecond more, since the moments of a match are whole milliseconds and must have passed.
            let left = (deadline - Utc::now()).to_std().unwrap_or_default() + Duration::from_millis(1);
            tokio::time::sleep(left).await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F>(_: impl Fn(Actor) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_match_that_waits_takes_little_room() {
        let size = size_of_future(Actor::run);
        assert!(size <= 3_584, "{size} bytes");
    }
}
