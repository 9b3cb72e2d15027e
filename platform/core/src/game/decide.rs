//! What happens next: a pure decision on the state, an action, the dice and the time.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{self, Turn};
use super::{DROP_GRACE, Dice, GameEvent, MAX_IDLE_TURNS, MatchState, Mode, Outcome, OutcomeKind, Seat};
use crate::time::truncate;

/// What a player can tell the referee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Roll both dice.
    Roll,
    /// End the turn and let its score take effect.
    Bank,
    /// Give up; the only one that is legal out of turn.
    Resign,
}

impl Command {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Command::Roll => "roll",
            Command::Bank => "bank",
            Command::Resign => "resign",
        }
    }
}

/// What the referee can ask for a decision on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// A player's command.
    Command {
        /// Whose.
        seat: Seat,
        /// Which.
        command: Command,
    },
    /// A player's connection was lost. Nothing happens when that is known already.
    Dropped {
        /// Whose.
        seat: Seat,
    },
    /// A player is connected again. Nothing happens when that is known already.
    Returned {
        /// Who.
        seat: Seat,
    },
    /// Time has passed: look at the clocks. One tick settles one clock, so ask [`MatchState::next_deadline`] again after it.
    Tick,
}

/// Why a command does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The other player has the turn, or the turn's clock has run out.
    #[error("it is not your turn, or its time is up")]
    NotYourTurn,
    /// The turn was not rolled yet.
    #[error("there is nothing to bank before the first roll of a turn")]
    NothingToBank,
    /// The mode has no banking.
    #[error("true-grit has no banking: the turn ends with the first lone one")]
    BankNotAllowed,
    /// The match has its outcome.
    #[error("the match is over")]
    MatchOver,
}

impl Refusal {
    /// The stable name on every wire.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::NotYourTurn => "not_your_turn",
            Refusal::NothingToBank => "nothing_to_bank",
            Refusal::BankNotAllowed => "bank_not_allowed",
            Refusal::MatchOver => "match_over",
        }
    }
}

/// The first entry of a match's log.
pub fn opening(mode: Mode, dice: &Dice) -> Vec<GameEvent> {
    vec![GameEvent::Started {
        mode,
        first: dice.first_seat(),
        commitment: hex::encode(dice.commitment()),
        totals: [mode.start_total(); 2],
        nonces: dice.nonces(),
    }]
}

/// What happens, in order; nothing at all when the action changes nothing. `at` counts in whole milliseconds.
///
/// # Errors
/// Only for commands, and then the state stays as it is. A command that comes when the turn's clock has run out is refused even
/// before a tick has settled that clock, so that no match depends on how busy its referee is.
pub fn decide(state: &MatchState, action: &Action, dice: &Dice, at: DateTime<Utc>) -> Result<Vec<GameEvent>, Refusal> {
    let at = truncate(at);
    let mut decision = Decision { state: state.clone(), at, events: Vec::new() };
    if state.is_over() {
        return if matches!(action, Action::Command { .. }) { Err(Refusal::MatchOver) } else { Ok(Vec::new()) };
    }
    match *action {
        Action::Command { seat, command: Command::Resign } => decision.end(OutcomeKind::Resigned, Some(seat.other())),
        Action::Command { seat, command: Command::Roll } => {
            may_act(state, seat, at)?;
            decision.roll(dice);
        }
        Action::Command { seat, command: Command::Bank } => {
            may_act(state, seat, at)?;
            may_bank(state)?;
            decision.bank(false);
        }
        Action::Dropped { seat } if state.connected[seat.index()] => {
            decision.push(GameEvent::Dropped { seat, until: at + DROP_GRACE });
        }
        Action::Returned { seat } if !state.connected[seat.index()] => decision.returned(seat),
        Action::Dropped { .. } | Action::Returned { .. } => {}
        Action::Tick => decision.tick(),
    }
    Ok(decision.events)
}

fn may_act(state: &MatchState, seat: Seat, at: DateTime<Utc>) -> Result<(), Refusal> {
    let time_is_up = state.turn_deadline().is_some_and(|deadline| deadline <= at);
    if state.turn == seat && !time_is_up { Ok(()) } else { Err(Refusal::NotYourTurn) }
}

fn may_bank(state: &MatchState) -> Result<(), Refusal> {
    match (state.mode.can_bank(), state.rolls_in_turn) {
        (false, _) => Err(Refusal::BankNotAllowed),
        (true, 0) => Err(Refusal::NothingToBank),
        (true, _) => Ok(()),
    }
}

/// A decision in the making: its events, and the state as they leave it.
struct Decision {
    state: MatchState,
    at: DateTime<Utc>,
    events: Vec<GameEvent>,
}

impl Decision {
    fn push(&mut self, event: GameEvent) {
        self.state.evolve(&event, self.at);
        self.events.push(event);
    }

    fn end(&mut self, kind: OutcomeKind, winner: Option<Seat>) {
        self.push(GameEvent::Ended { outcome: Outcome { kind, winner, totals: self.state.totals } });
    }

    fn roll(&mut self, dice: &Dice) {
        let MatchState { mode, turn: seat, turn_score, multiplier, totals, .. } = self.state;
        let roll_no = self.state.rolls + 1;
        let faces = dice.roll(roll_no);
        let mut result = rules::roll(mode, Turn { seat, score: turn_score, multiplier, totals }, faces);
        let passes = mode == Mode::TrueGrit && !result.effect.ends_turn() && self.passes_the_first(result.turn_score);
        if passes {
            result.totals = rules::bank(mode, result.totals, seat, result.turn_score);
        }
        self.push(GameEvent::Rolled {
            seat,
            roll_no,
            dice: [faces.0, faces.1],
            effect: result.effect,
            gained: result.gained,
            lost: result.lost,
            penalty: result.penalty,
            turn_score: result.turn_score,
            multiplier: result.multiplier,
            totals: result.totals,
        });
        if passes {
            self.end(OutcomeKind::Won, Some(seat));
        } else if result.effect.ends_turn() {
            self.after_turn(false);
        }
    }

    /// In true-grit the second player wins at once on passing the first's total.
    fn passes_the_first(&self, turn_score: u32) -> bool {
        let seat = self.state.turn;
        seat != self.state.first
            && rules::bank(Mode::TrueGrit, self.state.totals, seat, turn_score)[seat.index()]
                > self.state.totals[seat.other().index()]
    }

    fn bank(&mut self, by_clock: bool) {
        let MatchState { mode, turn: seat, turn_score: gained, totals, .. } = self.state;
        self.push(GameEvent::Banked { seat, by_clock, gained, totals: rules::bank(mode, totals, seat, gained) });
        self.after_turn(true);
    }

    /// Either the match is over with this turn, or the opponent's begins.
    fn after_turn(&mut self, banked: bool) {
        let MatchState { mode, turn: seat, totals, first, .. } = self.state;
        let both_had_their_turn = mode == Mode::TrueGrit && seat != first;
        let winner = match both_had_their_turn {
            true => rules::higher_total(totals),
            false => (banked && rules::bank_wins(mode, totals, seat)).then_some(seat),
        };
        if winner.is_some() {
            self.end(OutcomeKind::Won, winner);
        } else if self.state.idle_turns[seat.index()] >= MAX_IDLE_TURNS {
            self.end(OutcomeKind::Forfeited, Some(seat.other()));
        } else {
            self.push(GameEvent::TurnBegan { seat: seat.other() });
        }
    }

    /// Settles the clock that ran out first; when both did at the same moment, the one that ends the match.
    fn tick(&mut self) {
        let due = |deadline: Option<DateTime<Utc>>| deadline.filter(|deadline| *deadline <= self.at);
        match (due(self.state.leave_deadline()), due(self.state.turn_deadline())) {
            (Some(leave), turn) if turn.is_none_or(|turn| leave <= turn) => {
                self.settle_leaving(self.state.drop_deadline)
            }
            (_, Some(_)) => self.turn_clock_ran_out(),
            (Some(_), None) | (None, None) => {}
        }
    }

    fn turn_clock_ran_out(&mut self) {
        if self.state.rolls_in_turn > 0 {
            self.bank(true);
        } else {
            self.push(GameEvent::Passed { seat: self.state.turn });
            self.after_turn(false);
        }
    }

    /// A player who comes too late has forfeited; so has an opponent who is still away and is too late by now.
    fn returned(&mut self, seat: Seat) {
        let deadlines = self.state.drop_deadline;
        self.push(GameEvent::Returned { seat });
        self.settle_leaving(deadlines);
    }

    fn settle_leaving(&mut self, deadlines: [Option<DateTime<Utc>>; 2]) {
        match deadlines.map(|deadline| deadline.is_some_and(|deadline| deadline <= self.at)) {
            [true, true] => self.end(OutcomeKind::Abandoned, None),
            [true, false] => self.end(OutcomeKind::Forfeited, Some(Seat::Second)),
            [false, true] => self.end(OutcomeKind::Forfeited, Some(Seat::First)),
            [false, false] => {}
        }
    }
}
