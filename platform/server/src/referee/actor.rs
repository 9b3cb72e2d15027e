//! One running match: calls and clocks in, decisions into the log, events out to the players.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use muster_core::game::{Action, decide};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{LoggedEvent, Push};
use muster_store::{AppendError, CallStream, IncomingCall, MatchCall, MatchLogEntry, MatchReply, Store, StoreError};
use tracing::Instrument;

use super::record::{MatchRecord, ReplayError};
use super::{AdoptError, Referee, settle};
use crate::error::Code;
use crate::events;

/// A match that this process owns.
pub(super) struct Actor {
    referee: Referee,
    record: MatchRecord,
    calls: CallStream,
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

/// Replays the log and begins to serve the match.
pub(super) async fn take_over(referee: &Referee, match_id: MatchId) -> Result<Actor, AdoptError> {
    let store = &referee.0.store;
    // Serving first: a call that arrives while the log is read waits here instead of finding no owner.
    let calls = store.match_calls.serve(match_id).await?;
    let record = match MatchRecord::replay(store.match_log.read(match_id).await?) {
        Ok(record) => record,
        // Over and purged, or never begun: nobody needs to look for an owner again.
        Err(ReplayError::Empty) => {
            store.match_owners.remove(&[match_id]).await?;
            return Err(AdoptError::NoLog);
        }
        Err(ReplayError::CalledOff) => {
            store.match_owners.remove(&[match_id]).await?;
            return Err(AdoptError::CalledOff);
        }
        Err(error @ ReplayError::Corrupt(_)) => return Err(AdoptError::Corrupt(error.to_string())),
    };
    // The log is the beginning of a match; its row may still be missing when its maker died in between.
    store.matches.create(&settle::row(&record)).await?;
    store.match_owners.beat(&[match_id], muster_store::now()).await?;
    let taken_over = record.version() > 1;
    let replayed = record.events.len();
    let actor = Actor { referee: referee.clone(), record, calls };
    if taken_over {
        // The last owner may have died between the log and the telling. Clients know events by their numbers and skip what they had.
        actor.tell_since_last_entry().await;
    }
    if actor.record.outcome().is_some() {
        // It died between the end and the settlement.
        actor.settle().await?;
        return Err(AdoptError::Over);
    }
    events::match_owned(match_id, replayed, taken_over);
    Ok(actor)
}

/// Begins to serve a match whose only log entry this process has just written, and of which nobody was told yet.
pub(super) async fn serve_new(referee: &Referee, record: MatchRecord) -> Result<Actor, StoreError> {
    let match_id = record.created.match_id;
    let calls = referee.0.store.match_calls.serve_new(match_id).await?;
    events::match_owned(match_id, record.events.len(), false);
    Ok(Actor { referee: referee.clone(), record, calls })
}

impl Actor {
    fn store(&self) -> &Store {
        &self.referee.0.store
    }

    fn match_id(&self) -> MatchId {
        self.record.created.match_id
    }

    /// Serves the match until it is over or somebody else's.
    pub(super) async fn run(mut self) {
        let match_id = self.match_id();
        let drain = self.referee.0.drain.clone();
        let leave = loop {
            let deadline = self.record.state.next_deadline();
            let step = tokio::select! {
                () = drain.cancelled() => Err(Leave::Draining),
                call = self.calls.next() => match call {
                    Some(call) => self.hear(call).await,
                    None => Err(Leave::Unsure),
                },
                () = until(deadline) => self.act(Action::Tick, None, None).await.map(drop),
            };
            if let Err(leave) = step {
                break leave;
            }
            if self.record.outcome().is_some() {
                match self.settle().await {
                    Ok(()) => break Leave::Over,
                    Err(error) => {
                        tracing::error!(match_id = %match_id, error = &error as &dyn std::error::Error, "the result could not be stored; it is tried again");
                        break Leave::Unsure;
                    }
                }
            }
        };
        let store = self.store();
        let told = match leave {
            Leave::Over => store.match_owners.remove(&[match_id]).await,
            // Long ago, so that whoever sweeps next finds it at once.
            Leave::Draining | Leave::Unsure => store.match_owners.beat(&[match_id], DateTime::UNIX_EPOCH).await,
            Leave::Fenced => Ok(()),
        };
        if let Err(error) = told {
            tracing::warn!(match_id = %match_id, error = &error as &dyn std::error::Error, "the owners' list could not be changed");
        }
        events::match_left(match_id, leave.reason());
    }

    /// Answers one call.
    async fn hear(&mut self, incoming: IncomingCall) -> Result<(), Leave> {
        let span = tracing::info_span!("match_call", match_id = %self.match_id());
        incoming.adopt_trace(&span);
        async {
            let reply = self.answer(&incoming.call).await?;
            if let Err(error) = incoming.reply(&reply).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a match call could not be answered");
            }
            Ok(())
        }
        .instrument(span)
        .await
    }

    async fn answer(&mut self, call: &MatchCall) -> Result<MatchReply, Leave> {
        match call {
            MatchCall::View => Ok(MatchReply::View(self.record.view())),
            MatchCall::Connection { player_id, connected } => {
                let Some(seat) = self.record.seat_of(*player_id) else { return Ok(refused(Code::NotInMatch)) };
                if self.record.state.connected[seat.index()] == *connected {
                    return Ok(self.done());
                }
                let action = if *connected { Action::Returned { seat } } else { Action::Dropped { seat } };
                self.act(action, Some(*player_id), None).await
            }
            MatchCall::Command { player_id, command_id, command } => {
                let Some(seat) = self.record.seat_of(*player_id) else { return Ok(refused(Code::NotInMatch)) };
                if self.record.was_answered(*player_id, command_id) {
                    return Ok(self.done());
                }
                if !self.record.state.connected[seat.index()] && self.record.outcome().is_none() {
                    // Who plays is there, whatever was heard of their socket.
                    self.act(Action::Returned { seat }, Some(*player_id), None).await?;
                }
                self.act(Action::Command { seat, command: *command }, Some(*player_id), Some(command_id.clone())).await
            }
        }
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
            Err(refusal) => return Ok(refused(refusal.into())),
        };
        if decided.is_empty() {
            return Ok(self.done());
        }
        let entry = MatchLogEntry::Decided { by, command_id: command_id.clone(), events: decided.clone(), at };
        match self.store().match_log.append(self.match_id(), self.record.last_seq, &entry).await {
            Ok(seq) => {
                let told_until = self.record.version();
                self.record.apply(seq, by, command_id, &decided, at);
                self.tell(&self.record.events[told_until as usize..]).await;
                Ok(self.done())
            }
            Err(AppendError::Fenced) => {
                events::match_fenced(self.match_id());
                Err(Leave::Fenced)
            }
            // Whether it was written is not known. Letting go and replaying is always right; the caller repeats its command by id.
            Err(AppendError::Store(error)) => {
                tracing::warn!(match_id = %self.match_id(), error = &error as &dyn std::error::Error, "an append got no answer");
                Err(Leave::Unsure)
            }
        }
    }

    /// Tells both players what has happened.
    async fn tell(&self, happened: &[LoggedEvent]) {
        push_to_both(
            self.store(),
            self.record.created.players,
            &Push::MatchEvents { match_id: self.match_id(), events: happened.to_vec() },
        )
        .await;
    }

    async fn tell_since_last_entry(&self) {
        let last: Vec<_> = self.record.events.iter().filter(|event| event.at == self.record.last_at).cloned().collect();
        self.tell(&last).await;
    }

    /// Stores the result, tells the players, and lets the log go.
    async fn settle(&self) -> Result<(), AdoptError> {
        settle::settle(self.store(), &self.referee.0.settler, &self.record).await
    }
}

fn refused(code: Code) -> MatchReply {
    MatchReply::Refused { code: code.as_str().to_owned(), message: code.advice().to_owned() }
}

/// Sends the same push to both players, at the same time. A push that keeps failing is given up: clients see the hole in the
/// events' numbers and read the log.
pub(super) async fn push_to_both(store: &Store, players: [PlayerId; 2], push: &Push) {
    let [first, second] = players;
    futures::future::join(push_to(store, first, push), push_to(store, second, push)).await;
}

async fn push_to(store: &Store, player: PlayerId, push: &Push) {
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(4).with_jitter();
    let sent = (|| store.pushes.send(player, push)).retry(backoff).await;
    if let Err(error) = sent {
        tracing::warn!(player_id = %player, error = &error as &dyn std::error::Error, "a push was given up");
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
