//! The built-in game: two dice, two players, five modes. Pure: a referee gives it commands, the time and the dice.
//!
//! A match is its log of [`GameEvent`]s. [`opening`] writes the first, [`decide`] turns an [`Action`] into the next ones (or a
//! [`Refusal`]), and [`evolve`] is the only thing that changes a [`MatchState`]: a live match and a replay take the same way.
//! The events of one decision belong together: append them as one entry, with one time, then evolve by each.
//!
//! ```
//! use muster_core::game::{Action, Command, Dice, MatchState, Mode, decide, opening};
//!
//! let start = "2026-01-31T09:30:00Z".parse().unwrap();
//! let dice = Dice::new([7; 32], [None, None]);
//! let mut state = MatchState::start(Mode::Classic, dice.first_seat(), start);
//! for event in opening(Mode::Classic, &dice) {
//!     state.evolve(&event, start);
//! }
//! let roll = Action::Command { seat: state.turn, command: Command::Roll };
//! for event in decide(&state, &roll, &dice, start).unwrap() {
//!     println!("{}", event.summary(["Ada", "Bo"]));
//!     state.evolve(&event, start);
//! }
//! ```

mod decide;
mod dice;
mod event;
mod evolve;
mod mode;
mod nonce;
mod rules;
mod state;

use std::time::Duration;

pub use decide::{Action, Command, Refusal, decide, opening};
pub use dice::Dice;
pub use event::{GameEvent, Outcome, OutcomeKind, RollEffect};
pub use evolve::evolve;
pub use mode::{Mode, UnknownMode};
pub use nonce::{InvalidNonce, Nonce};
pub use state::{Clock, MatchState, Seat};

/// How long a player has from the start of a turn and from each roll.
pub const TURN_CLOCK: Duration = Duration::from_secs(20);

/// How long a player who dropped has to return.
pub const DROP_GRACE: Duration = Duration::from_secs(60);

/// So many turns in a row ended by the clock forfeit the match.
pub const MAX_IDLE_TURNS: u8 = 3;
