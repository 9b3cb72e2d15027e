//! The one way a match changes: by an event. Live and replayed matches both take it, so they cannot differ.

use chrono::{DateTime, Utc};

use super::{GameEvent, MatchState, Seat, TURN_CLOCK};
use crate::time::truncate;

/// Changes the state by one event that happened at `at`. Never fails: events are facts.
pub fn evolve(state: &mut MatchState, event: &GameEvent, at: DateTime<Utc>) {
    let at = truncate(at);
    match event {
        GameEvent::Started { mode, first, totals, .. } => {
            *state = MatchState { totals: *totals, version: state.version, ..MatchState::start(*mode, *first, at) };
        }
        GameEvent::Rolled { seat, effect, roll_no, turn_score, multiplier, totals, .. } => {
            state.rolls = *roll_no;
            state.rolls_in_turn = state.rolls_in_turn.saturating_add(1);
            state.turn_score = *turn_score;
            state.multiplier = *multiplier;
            state.totals = *totals;
            if effect.ends_turn() {
                state.idle_turns[seat.index()] = 0;
            }
            restart_clock(state, at);
        }
        GameEvent::Banked { seat, by_clock, totals, .. } => {
            state.totals = *totals;
            let idle = &mut state.idle_turns[seat.index()];
            *idle = if *by_clock { idle.saturating_add(1) } else { 0 };
        }
        GameEvent::Passed { seat } => {
            let idle = &mut state.idle_turns[seat.index()];
            *idle = idle.saturating_add(1);
        }
        GameEvent::TurnBegan { seat } => {
            state.turn = *seat;
            state.turn_score = 0;
            state.rolls_in_turn = 0;
            state.multiplier = 1;
            restart_clock(state, at);
        }
        GameEvent::Dropped { seat, until } => {
            state.connected[seat.index()] = false;
            state.drop_deadline[seat.index()] = Some(*until);
            hold_or_release_clock(state, at);
        }
        GameEvent::Returned { seat } => {
            state.connected[seat.index()] = true;
            state.drop_deadline[seat.index()] = None;
            hold_or_release_clock(state, at);
        }
        GameEvent::Ended { outcome } => {
            state.totals = outcome.totals;
            state.outcome = Some(*outcome);
        }
    }
    state.version += 1;
}

fn restart_clock(state: &mut MatchState, at: DateTime<Utc>) {
    state.clock.deadline = at + TURN_CLOCK;
    state.clock.held_since = must_hold(state).then_some(at);
}

/// Nobody's clock runs while only the opponent is away; who is away has no such favour.
fn must_hold(state: &MatchState) -> bool {
    let here = |seat: Seat| state.connected[seat.index()];
    here(state.turn) && !here(state.turn.other())
}

fn hold_or_release_clock(state: &mut MatchState, at: DateTime<Utc>) {
    match (state.clock.held_since, must_hold(state)) {
        (None, true) => state.clock.held_since = Some(at),
        (Some(since), false) => {
            state.clock.deadline += (at - since).max(chrono::TimeDelta::zero());
            state.clock.held_since = None;
        }
        (None, false) | (Some(_), true) => {}
    }
}
