//! The two tables of the rules: what a roll does, and what a bank does and when it wins. Pure arithmetic on integers.

use super::{Mode, RollEffect, Seat};

/// The flat score of snake eyes in every mode but true-grit.
const SNAKE_EYES: u32 = 20;

/// What a turn looks like to a roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub seat: Seat,
    pub score: u32,
    pub multiplier: u32,
    pub totals: [u32; 2],
}

/// What a roll made of it; the fields are those of [`GameEvent::Rolled`](super::GameEvent::Rolled).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollResult {
    pub effect: RollEffect,
    pub gained: u32,
    pub lost: u32,
    pub penalty: u32,
    pub turn_score: u32,
    pub multiplier: u32,
    pub totals: [u32; 2],
}

/// The table "What a roll does", row by row. Sums saturate: reaching the limit would take 50 million rolls in one turn.
pub fn roll(mode: Mode, turn: Turn, (a, b): (u8, u8)) -> RollResult {
    let sum = (u32::from(a) + u32::from(b)).saturating_mul(turn.multiplier);
    match (a, b) {
        (1, 1) if mode == Mode::TrueGrit => turn.gains(RollEffect::SnakeEyes, sum, 7),
        (1, 1) => turn.gains(RollEffect::SnakeEyes, SNAKE_EYES, turn.multiplier).with_penalty(mode, turn.seat),
        (1, _) | (_, 1) if mode == Mode::TrueGrit => turn.kept(),
        (1, _) | (_, 1) => turn.lost(RollEffect::Bust, turn.totals),
        (6, 6) if matches!(mode, Mode::Quickfire | Mode::Classic) => {
            turn.lost(RollEffect::Boxcars, with(turn.totals, turn.seat, 0))
        }
        (n, m) if n == m => {
            let multiplier = if mode == Mode::TrueGrit { u32::from(n) } else { 2 };
            turn.gains(RollEffect::Doubled, sum, multiplier).with_penalty(mode, turn.seat)
        }
        _ => turn.gains(RollEffect::Scored, sum, turn.multiplier),
    }
}

impl Turn {
    fn gains(self, effect: RollEffect, gained: u32, multiplier: u32) -> RollResult {
        let turn_score = self.score.saturating_add(gained);
        RollResult { effect, gained, lost: 0, penalty: 0, turn_score, multiplier, totals: self.totals }
    }

    fn lost(self, effect: RollEffect, totals: [u32; 2]) -> RollResult {
        RollResult {
            effect,
            gained: 0,
            lost: self.score,
            penalty: 0,
            turn_score: 0,
            multiplier: self.multiplier,
            totals,
        }
    }

    fn kept(self) -> RollResult {
        RollResult {
            effect: RollEffect::Kept,
            gained: 0,
            lost: 0,
            penalty: 0,
            turn_score: self.score,
            multiplier: self.multiplier,
            totals: bank(Mode::TrueGrit, self.totals, self.seat, self.score),
        }
    }
}

impl RollResult {
    /// In zero-hour the opponent's total rises by what snake eyes or a double gained.
    fn with_penalty(mut self, mode: Mode, seat: Seat) -> Self {
        if mode == Mode::ZeroHour {
            self.penalty = self.gained;
            self.totals =
                with(self.totals, seat.other(), self.totals[seat.other().index()].saturating_add(self.gained));
        }
        self
    }
}

/// The column "bank": the totals once the turn score has taken effect. In true-grit nobody banks, but it is how a turn that is
/// over counts.
pub fn bank(mode: Mode, totals: [u32; 2], seat: Seat, turn_score: u32) -> [u32; 2] {
    let (own, opponents) = (totals[seat.index()], totals[seat.other().index()]);
    match mode {
        Mode::Quickfire | Mode::Classic | Mode::TrueGrit => with(totals, seat, own.saturating_add(turn_score)),
        Mode::ZeroHour => with(totals, seat, own.checked_sub(turn_score).unwrap_or(mode.start_total())),
        Mode::LastLine => with(totals, seat.other(), opponents.saturating_sub(turn_score)),
    }
}

/// The column "wins", for the modes that win by a bank: whether the bank that made these totals has won.
pub fn bank_wins(mode: Mode, totals: [u32; 2], seat: Seat) -> bool {
    let (own, opponents) = (totals[seat.index()], totals[seat.other().index()]);
    match mode {
        Mode::Quickfire => own >= 50,
        Mode::Classic => own >= 100,
        Mode::ZeroHour => own == 0,
        Mode::LastLine => opponents == 0,
        Mode::TrueGrit => false,
    }
}

/// Who has the higher total once both have had their true-grit turn; none on a tie.
pub fn higher_total(totals: [u32; 2]) -> Option<Seat> {
    match totals[0].cmp(&totals[1]) {
        std::cmp::Ordering::Greater => Some(Seat::First),
        std::cmp::Ordering::Less => Some(Seat::Second),
        std::cmp::Ordering::Equal => None,
    }
}

fn with(mut totals: [u32; 2], seat: Seat, total: u32) -> [u32; 2] {
    totals[seat.index()] = total;
    totals
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
