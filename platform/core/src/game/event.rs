//! What happened in a match: the entries of its log, the same for the referee, both players and the dashboard.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Mode, Nonce, Seat};
use crate::time::millis;

/// What happened. `totals` are always those after the event, in seat order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GameEvent {
    /// The match began, and with it the first turn.
    Started {
        /// The rules it is played by.
        mode: Mode,
        /// Whose turn it is.
        first: Seat,
        /// SHA-256 of the seed that all rolls derive from, as 64 hex digits.
        commitment: String,
        /// What both players start with.
        totals: [u32; 2],
        /// What the players added to the seed, in seat order; null for one who added nothing, and absent when nobody did.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nonces: Vec<Option<Nonce>>,
    },
    /// The dice were rolled.
    Rolled {
        /// By whom.
        seat: Seat,
        /// Which roll of the match it was: counts from 1, and names the random stream.
        roll_no: u64,
        /// The faces.
        dice: [u8; 2],
        /// What the roll did.
        effect: RollEffect,
        /// What the roll added to the turn score.
        gained: u32,
        /// The turn score that the roll cost: above 0 only for `bust` and `boxcars`.
        lost: u32,
        /// What the roll added to the opponent's total: above 0 only in zero-hour.
        penalty: u32,
        /// The turn score after the roll; when a lone one ended a true-grit turn, what is kept.
        turn_score: u32,
        /// The multiplier of the next roll of this turn.
        multiplier: u32,
        /// The totals after the roll. In true-grit they hold the turn score once the roll has ended the turn or won the match.
        totals: [u32; 2],
    },
    /// A turn ended and its score took effect.
    Banked {
        /// Whose turn it was.
        seat: Seat,
        /// The clock did it, not the player.
        by_clock: bool,
        /// The turn score that took effect.
        gained: u32,
        /// The totals after it.
        totals: [u32; 2],
    },
    /// The next turn began.
    TurnBegan {
        /// Whose turn it is.
        seat: Seat,
    },
    /// The clock ended a turn in which nothing was rolled.
    Passed {
        /// Whose turn it was.
        seat: Seat,
    },
    /// A player's connection was lost.
    Dropped {
        /// Who is away.
        seat: Seat,
        /// Until when to return.
        #[serde(with = "millis")]
        #[schemars(with = "DateTime<Utc>")]
        until: DateTime<Utc>,
    },
    /// A player who was away is back.
    Returned {
        /// Who is back.
        seat: Seat,
    },
    /// The match is over.
    Ended {
        /// How.
        outcome: Outcome,
    },
}

/// What a roll did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollEffect {
    /// Its sum counted.
    Scored,
    /// A double: its sum counted and the multiplier changed. 6-6 too, in modes where it is a double like any other.
    Doubled,
    /// 1-1: a flat 20, or in true-grit 2 times the multiplier and 7 from then on.
    SnakeEyes,
    /// 6-6 in quickfire and classic: the player's total is 0, the turn ends, its score is lost.
    Boxcars,
    /// A lone one: the turn ends, its score is lost.
    Bust,
    /// A lone one in true-grit: the turn ends, its score is kept.
    Kept,
}

impl RollEffect {
    /// Whether the turn is over by it.
    pub const fn ends_turn(self) -> bool {
        matches!(self, RollEffect::Boxcars | RollEffect::Bust | RollEffect::Kept)
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            RollEffect::Scored => "scored",
            RollEffect::Doubled => "doubled",
            RollEffect::SnakeEyes => "snake_eyes",
            RollEffect::Boxcars => "boxcars",
            RollEffect::Bust => "bust",
            RollEffect::Kept => "kept",
        }
    }
}

/// How a match ended. It has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Outcome {
    /// By what.
    pub kind: OutcomeKind,
    /// Who won; none only when it was abandoned.
    pub winner: Option<Seat>,
    /// The last totals.
    pub totals: [u32; 2],
}

/// By what a match ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// By the score.
    Won,
    /// One player stayed away, or let the clock end too many turns.
    Forfeited,
    /// One player gave up.
    Resigned,
    /// Both are gone; no rating moves.
    Abandoned,
}

impl OutcomeKind {
    /// The name on the wire and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            OutcomeKind::Won => "won",
            OutcomeKind::Forfeited => "forfeited",
            OutcomeKind::Resigned => "resigned",
            OutcomeKind::Abandoned => "abandoned",
        }
    }
}

impl GameEvent {
    /// Whom the event is about: who acted, whose turn begins, who is away. None for the start and the end.
    pub const fn seat(&self) -> Option<Seat> {
        match self {
            GameEvent::Rolled { seat, .. }
            | GameEvent::Banked { seat, .. }
            | GameEvent::TurnBegan { seat }
            | GameEvent::Passed { seat }
            | GameEvent::Dropped { seat, .. }
            | GameEvent::Returned { seat } => Some(*seat),
            GameEvent::Started { .. } | GameEvent::Ended { .. } => None,
        }
    }

    /// The `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            GameEvent::Started { .. } => "started",
            GameEvent::Rolled { .. } => "rolled",
            GameEvent::Banked { .. } => "banked",
            GameEvent::TurnBegan { .. } => "turn_began",
            GameEvent::Passed { .. } => "passed",
            GameEvent::Dropped { .. } => "dropped",
            GameEvent::Returned { .. } => "returned",
            GameEvent::Ended { .. } => "ended",
        }
    }

    /// The totals after the event, where it tells them.
    pub const fn totals(&self) -> Option<[u32; 2]> {
        match self {
            GameEvent::Started { totals, .. } | GameEvent::Rolled { totals, .. } | GameEvent::Banked { totals, .. } => {
                Some(*totals)
            }
            GameEvent::Ended { outcome } => Some(outcome.totals),
            _ => None,
        }
    }

    /// The event as a plain sentence; `names` in seat order.
    pub fn summary(&self, names: [&str; 2]) -> String {
        let name = |seat: Seat| names[seat.index()];
        match self {
            GameEvent::Started { mode, first, .. } => {
                format!("A match of {mode} begins; {} rolls first.", name(*first))
            }
            GameEvent::Rolled { seat, dice, effect, gained, lost, penalty, turn_score, multiplier, totals, .. } => {
                let rolls = format!("{} rolls {} and {}", name(*seat), dice[0], dice[1]);
                let own = totals[seat.index()];
                let to_turn = format!("{gained} to the turn ({turn_score})");
                let penalty = match penalty {
                    0 => String::new(),
                    _ => format!(
                        " {}'s total rises by {penalty} to {}.",
                        name(seat.other()),
                        totals[seat.other().index()]
                    ),
                };
                match effect {
                    RollEffect::Scored => format!("{rolls}: {to_turn}.{penalty}"),
                    RollEffect::Doubled => {
                        format!("{rolls}: {to_turn}, and the next rolls count {multiplier} times.{penalty}")
                    }
                    RollEffect::SnakeEyes if *multiplier == 7 => {
                        format!("{rolls}, snake eyes: {to_turn}, and the next rolls count 7 times.{penalty}")
                    }
                    RollEffect::SnakeEyes => format!("{rolls}, snake eyes: {to_turn}.{penalty}"),
                    RollEffect::Boxcars => format!("{rolls}, boxcars: the whole total is lost{}.", and_of_turn(*lost)),
                    RollEffect::Bust if *lost == 0 => format!("{rolls}: bust."),
                    RollEffect::Bust => format!("{rolls}: bust, {lost} of the turn are lost."),
                    RollEffect::Kept => {
                        format!("{rolls}: the turn ends, {turn_score} are kept (total {own}).")
                    }
                }
            }
            GameEvent::Banked { seat, by_clock, gained, totals } => {
                let banks = match by_clock {
                    true => format!("Time is up for {}: {gained} are banked", name(*seat)),
                    false => format!("{} banks {gained}", name(*seat)),
                };
                format!("{banks} ({} {} to {} {}).", names[0], totals[0], totals[1], names[1])
            }
            GameEvent::TurnBegan { seat } => format!("It is {}'s turn.", name(*seat)),
            GameEvent::Passed { seat } => {
                format!("Time is up for {}: the turn passes.", name(*seat))
            }
            GameEvent::Dropped { seat, .. } => format!("{} lost the connection.", name(*seat)),
            GameEvent::Returned { seat } => format!("{} is back.", name(*seat)),
            GameEvent::Ended { outcome } => outcome.summary(names),
        }
    }
}

fn and_of_turn(lost: u32) -> String {
    if lost == 0 { String::new() } else { format!(", and {lost} of the turn") }
}

impl Outcome {
    /// The outcome as a plain sentence; `names` in seat order.
    pub fn summary(&self, names: [&str; 2]) -> String {
        let Some(winner) = self.winner else {
            return "Both players are gone: the match is abandoned.".to_owned();
        };
        let (won, lost) = (names[winner.index()], names[winner.other().index()]);
        match self.kind {
            OutcomeKind::Won | OutcomeKind::Abandoned => {
                format!("{won} wins, {} to {}.", self.totals[winner.index()], self.totals[winner.other().index()])
            }
            OutcomeKind::Forfeited => format!("{lost} forfeits: {won} wins."),
            OutcomeKind::Resigned => format!("{lost} resigns: {won} wins."),
        }
    }
}
