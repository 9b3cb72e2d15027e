//! Whole matches for tests, played by two policies against a referee in memory.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::{
    game::{Action, Dice, MatchState, Mode, Seat, decide, evolve, opening},
    id::{MatchId, PlayerId},
    wire::{LoggedEvent, MatchPlayer, MatchStatus, MatchView},
};
use uuid::Uuid;

use crate::bot::BotPolicy;

/// More moves than any match of the tests needs.
const MAX_MOVES: i64 = 20_000;

/// A match that is over, as its players know it.
pub(crate) struct PlayedMatch {
    pub(crate) view: MatchView,
    pub(crate) seed: String,
    pub(crate) log: Vec<LoggedEvent>,
    pub(crate) state: MatchState,
}

/// A moment, so many seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// A player's id that depends on the number alone.
pub(crate) fn player(number: u128) -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(number))
}

/// A match's id that depends on the number alone.
pub(crate) fn match_id(number: u128) -> MatchId {
    MatchId::from_uuid(Uuid::from_u128(number))
}

/// A running match of players 1 and 2.
pub(crate) fn view(id: MatchId, mode: Mode, commitment: String) -> MatchView {
    let seat = |seat: Seat, number: u128| MatchPlayer {
        player_id: player(number),
        display_name: format!("Player {number}"),
        seat,
        rating: 1500.0,
    };
    MatchView {
        match_id: id,
        queue: format!("{mode}-ranked"),
        mode,
        state: MatchStatus::Running,
        players: vec![seat(Seat::First, 1), seat(Seat::Second, 2)],
        commitment,
        seed: None,
        created_at: at(0),
        ended_at: None,
        outcome: None,
        version: 0,
        totals: [mode.start_total(); 2],
        turn: None,
    }
}

/// A match of classic from a seed.
pub(crate) fn played_match(seed: u8) -> PlayedMatch {
    played_match_of(Mode::Classic, seed)
}

/// A match of any mode from a seed, to its end or to [`MAX_MOVES`].
pub(crate) fn played_match_of(mode: Mode, seed: u8) -> PlayedMatch {
    played_with(mode, seed, [None, None])
}

/// The same, with nonces of the players.
pub(crate) fn played_with(mode: Mode, seed: u8, nonces: [Option<[u8; 32]>; 2]) -> PlayedMatch {
    let dice = Dice::new([seed; 32], nonces);
    let policies = [BotPolicy::new(mode, u64::from(seed)), BotPolicy::new(mode, u64::from(seed) + 1)];
    let mut state = MatchState::start(mode, dice.first_seat(), at(0));
    let mut log = Vec::new();
    let mut record = |state: &mut MatchState, events: Vec<_>, at| {
        for event in events {
            evolve(state, &event, at);
            log.push(LoggedEvent { seq: log.len() as u64 + 1, at, event });
        }
    };
    record(&mut state, opening(mode, &dice), at(0));
    for second in 1..MAX_MOVES {
        if state.outcome.is_some() {
            break;
        }
        let seat = state.turn;
        let command = policies[seat.index()].choose(&state, seat);
        let now = at(0) + TimeDelta::seconds(second);
        let events = decide(&state, &Action::Command { seat, command }, &dice, now).unwrap();
        record(&mut state, events, now);
    }
    PlayedMatch {
        view: view(match_id(u128::from(seed)), mode, hex::encode(dice.commitment())),
        seed: hex::encode([seed; 32]),
        log,
        state,
    }
}
