//! Playing a settled match again from what is stored of it: from each event it follows what was done, from the rules and the seed
//! what must have come of it.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use muster_core::game::{Action, Command, Dice, GameEvent, MatchState, Nonce, OutcomeKind, decide, opening};
use muster_store::{SettledMatch, StoredEvent};

use crate::findings::{Kind, Violation};

/// A match that is being replayed, event by event: what it holds does not grow with the match.
pub struct Replay<'a> {
    settled: &'a SettledMatch,
    dice: Dice,
    state: Option<MatchState>,
    /// What the decision that is being told still has to tell.
    due: VecDeque<GameEvent>,
    seq: u64,
    last_at: DateTime<Utc>,
    /// The first thing that is wrong; what comes after it follows from it.
    fault: Option<Violation>,
}

impl<'a> Replay<'a> {
    /// Nothing is replayed yet.
    pub fn new(settled: &'a SettledMatch) -> Self {
        let mut replay = Self {
            settled,
            dice: Dice::new(settled.seed, [None, None]),
            state: None,
            due: VecDeque::new(),
            seq: 0,
            last_at: DateTime::<Utc>::MIN_UTC,
            fault: None,
        };
        if replay.dice.commitment() != settled.commitment {
            let computed = hex::encode(replay.dice.commitment());
            let promised = hex::encode(settled.commitment);
            replay.fail(Kind::SeedDiffers, format!("the seed's SHA-256 is {computed}, promised was {promised}"));
        }
        replay
    }

    /// The next stored event.
    pub fn event(&mut self, stored: &StoredEvent) {
        if self.fault.is_some() {
            return;
        }
        self.seq += 1;
        if stored.seq != self.seq {
            return self.fail(Kind::EventsIncomplete, format!("event {} is missing or there twice", self.seq));
        }
        let event = match &stored.event {
            Ok(event) => event,
            Err(error) => {
                return self.fail(Kind::EventsIncomplete, format!("event {} is unreadable: {error}", self.seq));
            }
        };
        if stored.at < self.last_at {
            return self.fail(Kind::ReplayDiffers, format!("event {} happened before the one before it", self.seq));
        }
        if self.state.is_none() {
            self.begin(event, stored.at);
        } else if self.due.is_empty() {
            self.decide(event, stored.at);
        } else if stored.at != self.last_at {
            return self.fail(
                Kind::ReplayDiffers,
                format!("event {} belongs to the decision before it and has another time", self.seq),
            );
        }
        self.last_at = stored.at;
        if self.fault.is_some() {
            return;
        }
        match self.due.pop_front() {
            Some(expected) if expected == *event => {
                if let Some(state) = &mut self.state {
                    state.evolve(event, stored.at);
                }
            }
            expected => self.fail(
                Kind::ReplayDiffers,
                format!(
                    "event {} is {event:?}, and should be {}",
                    self.seq,
                    expected.map_or("none".into(), |e| format!("{e:?}"))
                ),
            ),
        }
    }

    /// What the opening must be, by the seed and the nonces that the first event tells.
    fn begin(&mut self, event: &GameEvent, at: DateTime<Utc>) {
        let GameEvent::Started { first, nonces, .. } = event else {
            return self.fail(Kind::EventsIncomplete, "the first event is not the start".to_owned());
        };
        let nonce = |seat: usize| nonces.get(seat).copied().flatten().map(Nonce::bytes);
        self.dice = Dice::new(self.settled.seed, [nonce(0), nonce(1)]);
        self.due = opening(self.settled.mode, &self.dice).into();
        self.state = Some(MatchState::start(self.settled.mode, *first, at));
    }

    /// What must come of that which an event is the beginning of.
    fn decide(&mut self, event: &GameEvent, at: DateTime<Utc>) {
        let (Some(state), Some(action)) = (&self.state, action(event)) else {
            let kind = if self.is_over() { Kind::OutcomeDiffers } else { Kind::ReplayDiffers };
            return self.fail(kind, format!("event {} ({}) follows from nothing", self.seq, event.kind()));
        };
        match decide(state, &action, &self.dice, at) {
            Ok(decided) if !decided.is_empty() => self.due = decided.into(),
            Ok(_) if self.is_over() => {
                self.fail(Kind::OutcomeDiffers, format!("event {} comes after the end", self.seq));
            }
            Ok(_) => self.fail(Kind::ReplayDiffers, format!("event {} ({}) could not happen", self.seq, event.kind())),
            Err(refusal) => {
                let kind = if self.is_over() { Kind::OutcomeDiffers } else { Kind::ReplayDiffers };
                self.fail(kind, format!("event {} ({}) could not happen: {refusal}", self.seq, event.kind()));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.state.as_ref().is_some_and(MatchState::is_over)
    }

    fn fail(&mut self, kind: Kind, detail: String) {
        if self.fault.is_none() {
            self.fault = Some(Violation::new(kind, detail).of_match(self.settled.match_id));
        }
    }

    /// How many events were replayed.
    pub fn events(&self) -> u64 {
        self.seq
    }

    /// What is wrong with the match, if anything.
    pub fn finish(mut self) -> Option<Violation> {
        let settled = self.settled;
        if self.fault.is_none() && settled.version != self.seq {
            self.fail(Kind::EventsIncomplete, format!("{} events are stored of {}", self.seq, settled.version));
        }
        if self.fault.is_none() && !self.due.is_empty() {
            self.fail(Kind::EventsIncomplete, format!("{} events of the last decision are missing", self.due.len()));
        }
        let replayed = self.state.as_ref().and_then(|state| state.outcome);
        match (&settled.outcome, replayed) {
            (Ok(stored), Some(replayed)) if *stored == replayed => {}
            (Ok(stored), replayed) => {
                self.fail(Kind::OutcomeDiffers, format!("{stored:?} is stored, the events end with {replayed:?}"));
            }
            (Err(error), _) => self.fail(Kind::OutcomeDiffers, format!("the outcome is unreadable: {error}")),
        }
        if self.fault.is_none() && settled.ended_at != self.last_at {
            let told = muster_core::time::format(settled.ended_at);
            self.fail(
                Kind::OutcomeDiffers,
                format!("it is said to have ended at {told}, its last event is of another moment"),
            );
        }
        self.fault
    }
}

/// What was done, from the first event that came of it; none for an event that never is the first.
fn action(event: &GameEvent) -> Option<Action> {
    let command = |seat, command| Some(Action::Command { seat, command });
    match event {
        GameEvent::Rolled { seat, .. } => command(*seat, Command::Roll),
        GameEvent::Banked { seat, by_clock: false, .. } => command(*seat, Command::Bank),
        GameEvent::Banked { by_clock: true, .. } | GameEvent::Passed { .. } => Some(Action::Tick),
        GameEvent::Dropped { seat, .. } => Some(Action::Dropped { seat: *seat }),
        GameEvent::Returned { seat } => Some(Action::Returned { seat: *seat }),
        GameEvent::Ended { outcome } => match outcome.kind {
            OutcomeKind::Resigned => command(outcome.winner?.other(), Command::Resign),
            OutcomeKind::Forfeited | OutcomeKind::Abandoned => Some(Action::Tick),
            OutcomeKind::Won => None,
        },
        GameEvent::Started { .. } | GameEvent::TurnBegan { .. } => None,
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
