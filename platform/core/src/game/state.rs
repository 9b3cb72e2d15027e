//! What a match is at one moment: everything `decide` needs to know, and nothing else.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GameEvent, Mode, Outcome, TURN_CLOCK, evolve};
use crate::time::truncate;

/// A place at the table. The order is that of the match's players; who begins is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// The first player of the match.
    First,
    /// The second player of the match.
    Second,
}

impl Seat {
    /// Both seats, in order.
    pub const ALL: [Seat; 2] = [Seat::First, Seat::Second];

    /// 0 or 1: the place in `totals`, `connected` and the match's players.
    pub const fn index(self) -> usize {
        match self {
            Seat::First => 0,
            Seat::Second => 1,
        }
    }

    /// The seat at 0 or 1.
    pub const fn from_index(index: usize) -> Option<Seat> {
        match index {
            0 => Some(Seat::First),
            1 => Some(Seat::Second),
            _ => None,
        }
    }

    /// The opponent's seat.
    pub const fn other(self) -> Seat {
        match self {
            Seat::First => Seat::Second,
            Seat::Second => Seat::First,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Seat::First => "first",
            Seat::Second => "second",
        }
    }
}

impl std::fmt::Display for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The clock of the turn that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// When the turn is over, unless the clock is held.
    pub deadline: DateTime<Utc>,
    /// Since when the clock is held, because the opponent is away and the player is not. The deadline moves by as much when it goes on.
    pub held_since: Option<DateTime<Utc>>,
}

/// A match at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchState {
    /// The rules it is played by.
    pub mode: Mode,
    /// Who began.
    pub first: Seat,
    /// The banked score of each seat.
    pub totals: [u32; 2],
    /// Whose turn it is; when the match is over, whose it was.
    pub turn: Seat,
    /// What the turn has gathered so far.
    pub turn_score: u32,
    /// How often the turn was rolled.
    pub rolls_in_turn: u32,
    /// What the sum of the next roll counts: 1 to 7.
    pub multiplier: u32,
    /// How often the match was rolled.
    pub rolls: u64,
    /// How many turns in a row each seat has let the clock end.
    pub idle_turns: [u8; 2],
    /// Who is here.
    pub connected: [bool; 2],
    /// The clock of the turn.
    pub clock: Clock,
    /// Until when a seat that is away has to return.
    pub drop_deadline: [Option<DateTime<Utc>>; 2],
    /// How the match ended; none while it runs.
    pub outcome: Option<Outcome>,
    /// How many events made this state: the sequence number of the last one.
    pub version: u64,
}

impl MatchState {
    /// The state before the first event. Both players count as here until a drop is told.
    pub fn start(mode: Mode, first: Seat, at: DateTime<Utc>) -> Self {
        Self {
            mode,
            first,
            totals: [mode.start_total(); 2],
            turn: first,
            turn_score: 0,
            rolls_in_turn: 0,
            multiplier: 1,
            rolls: 0,
            idle_turns: [0; 2],
            connected: [true; 2],
            clock: Clock { deadline: truncate(at) + TURN_CLOCK, held_since: None },
            drop_deadline: [None; 2],
            outcome: None,
            version: 0,
        }
    }

    /// The state that a log of events makes; none when the log does not begin with [`GameEvent::Started`].
    pub fn replay<'a>(log: impl IntoIterator<Item = (DateTime<Utc>, &'a GameEvent)>) -> Option<Self> {
        let mut log = log.into_iter();
        let (at, first_event) = log.next()?;
        let GameEvent::Started { mode, first, .. } = first_event else {
            return None;
        };
        let mut state = Self::start(*mode, *first, at);
        state.evolve(first_event, at);
        log.for_each(|(at, event)| state.evolve(event, at));
        Some(state)
    }

    /// [`evolve`] as a method.
    pub fn evolve(&mut self, event: &GameEvent, at: DateTime<Utc>) {
        evolve(self, event, at);
    }

    /// Whether the match has its outcome.
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    /// When the next tick will find something to do; none when the match is over. May be in the past: then tick at once.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        if self.is_over() {
            return None;
        }
        self.turn_deadline().into_iter().chain(self.leave_deadline()).min()
    }

    /// When the turn is over; none while the clock is held.
    pub(super) fn turn_deadline(&self) -> Option<DateTime<Utc>> {
        self.clock.held_since.is_none().then_some(self.clock.deadline)
    }

    /// When whoever is away has been away too long. With both away it is the later of the two: until then one of them can
    /// still return and win.
    pub(super) fn leave_deadline(&self) -> Option<DateTime<Utc>> {
        match self.drop_deadline {
            [Some(first), Some(second)] => Some(first.max(second)),
            [first, second] => first.or(second),
        }
    }
}
