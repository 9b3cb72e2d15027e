//! What a bot does when it is its turn.

use muster_core::game::{Command, MatchState, Mode, Seat};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

/// "Hold at N": roll until the turn has gathered N points, then bank; with what each mode's rules make sensible besides.
///
/// A good N for two dice is near 20. Each bot has its own, drawn from its seed, so that ratings have something to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BotPolicy {
    hold_at: u32,
}

/// In zero-hour a total that no roll without a penalty from elsewhere can take to exactly 0: the least sum that counts is 4.
const STUCK: std::ops::RangeInclusive<u32> = 1..=3;
/// In zero-hour a rest that one roll can take to exactly 0, and likelier than a turn of several.
const ONE_ROLL: std::ops::RangeInclusive<u32> = 4..=10;

impl BotPolicy {
    /// A bot's own habit, always the same for the same mode and seed.
    #[must_use]
    pub fn new(mode: Mode, seed: u64) -> Self {
        let mut chance = SmallRng::seed_from_u64(seed);
        let hold_at = match mode {
            Mode::Quickfire => chance.random_range(12..=20),
            Mode::Classic => chance.random_range(16..=26),
            Mode::ZeroHour => chance.random_range(14..=24),
            Mode::LastLine => chance.random_range(12..=20),
            // Nobody banks in true-grit.
            Mode::TrueGrit => u32::MAX,
        };
        Self { hold_at }
    }

    /// A habit of one's own choice, for any mode.
    #[must_use]
    pub fn hold_at(points: u32) -> Self {
        Self { hold_at: points }
    }

    /// The move of `seat` in this state; it is expected to be that seat's turn.
    #[must_use]
    pub fn choose(&self, state: &MatchState, seat: Seat) -> Command {
        if state.rolls_in_turn == 0 || !state.mode.can_bank() {
            return Command::Roll;
        }
        let (own, opponents) = (state.totals[seat.index()], state.totals[seat.other().index()]);
        let held = state.turn_score >= self.hold_at;
        let bank = match state.mode {
            Mode::Quickfire => held || own + state.turn_score >= 50,
            Mode::Classic => held || own + state.turn_score >= 100,
            Mode::LastLine => held || state.turn_score >= opponents,
            Mode::ZeroHour => self.bank_in_zero_hour(own, state.turn_score),
            Mode::TrueGrit => false,
        };
        if bank { Command::Bank } else { Command::Roll }
    }

    fn bank_in_zero_hour(&self, own: u32, turn_score: u32) -> bool {
        match own.checked_sub(turn_score) {
            Some(0) => true,
            Some(rest) if STUCK.contains(&rest) => false,
            Some(rest) => ONE_ROLL.contains(&rest) || turn_score >= self.hold_at,
            // Too much: banking goes back to 100, and a bust costs nothing. Only from where 0 is out of reach is 100 better.
            None => STUCK.contains(&own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn state(mode: Mode, totals: [u32; 2], turn_score: u32) -> MatchState {
        let mut state = MatchState::start(mode, Seat::First, fixture::at(0));
        state.totals = totals;
        state.turn_score = turn_score;
        state.rolls_in_turn = u32::from(turn_score > 0);
        state
    }

    fn choice(mode: Mode, totals: [u32; 2], turn_score: u32) -> Command {
        BotPolicy::hold_at(20).choose(&state(mode, totals, turn_score), Seat::First)
    }

    #[test]
    fn rolls_first_and_holds_at_its_points() {
        assert_eq!(choice(Mode::Classic, [0, 0], 0), Command::Roll);
        assert_eq!(choice(Mode::Classic, [0, 0], 19), Command::Roll);
        assert_eq!(choice(Mode::Classic, [0, 0], 20), Command::Bank);
    }

    #[test]
    fn takes_a_win_when_it_is_there() {
        assert_eq!(choice(Mode::Classic, [95, 0], 5), Command::Bank);
        assert_eq!(choice(Mode::Quickfire, [42, 0], 8), Command::Bank);
        assert_eq!(choice(Mode::LastLine, [50, 7], 7), Command::Bank);
        assert_eq!(choice(Mode::ZeroHour, [12, 60], 12), Command::Bank);
    }

    #[test]
    fn zero_hour_is_aimed_at() {
        assert_eq!(choice(Mode::ZeroHour, [12, 60], 10), Command::Roll, "a rest of 2 cannot be rolled");
        assert_eq!(choice(Mode::ZeroHour, [15, 60], 8), Command::Bank, "a rest of 7 can");
        assert_eq!(choice(Mode::ZeroHour, [9, 60], 12), Command::Roll, "too much: better bust than 100");
        assert_eq!(choice(Mode::ZeroHour, [2, 60], 12), Command::Bank, "from 2 there is no way but over 100");
    }

    #[test]
    fn true_grit_is_never_banked() {
        assert_eq!(choice(Mode::TrueGrit, [0, 0], 500), Command::Roll);
    }

    #[test]
    fn the_same_seed_is_the_same_bot() {
        for mode in Mode::ALL {
            assert_eq!(BotPolicy::new(mode, 5), BotPolicy::new(mode, 5));
        }
        let habits: std::collections::BTreeSet<u32> =
            (0..50).map(|seed| BotPolicy::new(Mode::Classic, seed).hold_at).collect();
        assert!(habits.len() > 5, "bots differ: {habits:?}");
    }

    #[test]
    fn every_mode_comes_to_an_end() {
        for mode in Mode::ALL {
            for seed in 0..20 {
                let played = fixture::played_match_of(mode, seed);
                assert!(played.state.outcome.is_some(), "{mode} with seed {seed} did not end");
            }
        }
    }
}
