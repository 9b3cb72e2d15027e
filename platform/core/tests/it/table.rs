//! A match in play, with its log and the state after every event.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::game::{
    Action, Command, Dice, GameEvent, MatchState, Mode, Outcome, OutcomeKind, Refusal, Seat, decide, opening,
};

/// A table at which one match is played.
pub struct Table {
    pub dice: Dice,
    pub state: MatchState,
    pub now: DateTime<Utc>,
    pub log: Vec<(DateTime<Utc>, GameEvent)>,
    /// The state after each event of the log.
    pub states: Vec<MatchState>,
}

/// When every match of these tests starts.
pub fn start() -> DateTime<Utc> {
    "2026-01-31T09:30:00Z".parse().unwrap()
}

impl Table {
    pub fn new(mode: Mode, seed: u8) -> Self {
        Self::with_dice(mode, Dice::new([seed; 32], [None, None]))
    }

    pub fn with_dice(mode: Mode, dice: Dice) -> Self {
        let state = MatchState::start(mode, dice.first_seat(), start());
        let mut table = Self { state, now: start(), log: Vec::new(), states: Vec::new(), dice };
        table.take_in(opening(mode, &table.dice));
        table
    }

    /// A match in which the first seat began, with these totals.
    pub fn with_totals(mode: Mode, totals: [u32; 2]) -> Self {
        let seed = (0..=255).find(|seed| Dice::new([*seed; 32], [None, None]).first_seat() == Seat::First).unwrap();
        let mut table = Self::new(mode, seed);
        table.state.totals = totals;
        table
    }

    fn take_in(&mut self, events: Vec<GameEvent>) {
        for event in events {
            self.state.evolve(&event, self.now);
            self.log.push((self.now, event));
            self.states.push(self.state.clone());
        }
    }

    pub fn act(&mut self, action: Action) -> Result<Vec<GameEvent>, Refusal> {
        let events = decide(&self.state, &action, &self.dice, self.now)?;
        self.take_in(events.clone());
        Ok(events)
    }

    /// The player whose turn it is does this.
    pub fn play(&mut self, command: Command) -> Vec<GameEvent> {
        self.act(Action::Command { seat: self.state.turn, command }).unwrap()
    }

    /// The player whose turn it is rolls exactly these faces: the match goes on at the next roll of the stream that has them.
    pub fn roll(&mut self, faces: (u8, u8)) -> Vec<GameEvent> {
        self.state.rolls = (self.state.rolls..).find(|rolls| self.dice.roll(rolls + 1) == faces).unwrap();
        self.play(Command::Roll)
    }

    pub fn wait(&mut self, millis: i64) {
        self.now += TimeDelta::milliseconds(millis);
    }

    pub fn tick(&mut self) -> Vec<GameEvent> {
        self.act(Action::Tick).unwrap()
    }

    pub fn drop(&mut self, seat: Seat) -> Vec<GameEvent> {
        self.act(Action::Dropped { seat }).unwrap()
    }

    pub fn come_back(&mut self, seat: Seat) -> Vec<GameEvent> {
        self.act(Action::Returned { seat }).unwrap()
    }

    /// Milliseconds from now to the next deadline.
    pub fn due_in(&self) -> Option<i64> {
        Some((self.state.next_deadline()? - self.now).num_milliseconds())
    }

    /// Kind of the outcome, and who won.
    pub fn ended(&self) -> Option<(OutcomeKind, Option<Seat>)> {
        self.state.outcome.map(|outcome| (outcome.kind, outcome.winner))
    }
}

pub fn ended(kind: OutcomeKind, winner: Option<Seat>, totals: [u32; 2]) -> GameEvent {
    GameEvent::Ended { outcome: Outcome { kind, winner, totals } }
}

pub fn turn_began(seat: Seat) -> GameEvent {
    GameEvent::TurnBegan { seat }
}
