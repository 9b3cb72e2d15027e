//! The log of a match, and the board that its last lines describe.

use chrono::{DateTime, Utc, serde::ts_milliseconds};
use serde::{Deserialize, Serialize};

/// A place at the table. The first seat is the first player of the match, not the one who begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Seat {
    First,
    Second,
}

impl Seat {
    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        match text {
            "first" => Some(Self::First),
            "second" => Some(Self::Second),
            _ => None,
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::First => "First seat",
            Self::Second => "Second seat",
        }
    }
}

/// One line of a match's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MatchEvent {
    /// 1 for the first line, without gaps.
    pub seq: i64,
    #[serde(with = "ts_milliseconds")]
    pub at: DateTime<Utc>,
    pub kind: String,
    pub seat: Option<Seat>,
    /// The two faces of a roll.
    pub dice: Option<[u8; 2]>,
    pub effect: Option<String>,
    pub turn_score: Option<i64>,
    pub multiplier: Option<i64>,
    pub totals: Option<[i64; 2]>,
    pub summary: String,
}

impl MatchEvent {
    pub(crate) fn ends_the_match(&self) -> bool {
        self.kind == "ended"
    }

    /// The word for the line's badge: a roll is named by what it did.
    pub(crate) fn badge(&self) -> Option<(&'static str, &'static str)> {
        match (self.kind.as_str(), self.effect.as_deref()) {
            ("started", _) => Some(("Start", "plain")),
            ("rolled", Some("doubled")) => Some(("Double", "good")),
            ("rolled", Some("snake_eyes")) => Some(("Snake eyes", "good")),
            ("rolled", Some("boxcars")) => Some(("Boxcars", "bad")),
            ("rolled", Some("bust")) => Some(("Bust", "bad")),
            ("rolled", Some("kept")) => Some(("Kept", "warn")),
            ("banked", _) => Some(("Bank", "accent")),
            ("passed", _) => Some(("Pass", "warn")),
            ("dropped", _) => Some(("Dropped", "bad")),
            ("returned", _) => Some(("Back", "good")),
            ("ended", _) => Some(("End", "plain")),
            _ => None,
        }
    }
}

/// The table as the log so far leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Board {
    pub totals: Option<[i64; 2]>,
    pub turn: Option<Seat>,
    pub turn_score: i64,
    pub multiplier: i64,
    pub last_roll: Option<[u8; 2]>,
    pub over: bool,
}

impl Board {
    /// Reads the log from its beginning; it must be in order.
    pub(crate) fn of(events: &[MatchEvent]) -> Self {
        let mut board = Self { multiplier: 1, ..Self::default() };
        for event in events {
            board.take(event);
        }
        board
    }

    fn take(&mut self, event: &MatchEvent) {
        if let Some(totals) = event.totals {
            self.totals = Some(totals);
        }
        match event.kind.as_str() {
            "started" | "turn_began" => {
                self.turn = event.seat.or(self.turn);
                self.turn_score = 0;
                self.multiplier = 1;
            }
            "rolled" => {
                self.turn = event.seat.or(self.turn);
                self.last_roll = event.dice;
                self.turn_score = event.turn_score.unwrap_or(0);
                self.multiplier = event.multiplier.unwrap_or(1);
            }
            "banked" | "passed" => {
                self.turn_score = 0;
                self.multiplier = 1;
            }
            "ended" => {
                self.over = true;
                self.turn = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64, kind: &str, seat: Option<Seat>) -> MatchEvent {
        MatchEvent {
            seq,
            at: DateTime::UNIX_EPOCH,
            kind: kind.to_owned(),
            seat,
            dice: None,
            effect: None,
            turn_score: None,
            multiplier: None,
            totals: None,
            summary: String::new(),
        }
    }

    #[test]
    fn the_board_follows_the_log() {
        let mut log = vec![
            MatchEvent { totals: Some([0, 0]), ..event(1, "started", Some(Seat::Second)) },
            MatchEvent {
                dice: Some([4, 4]),
                effect: Some("doubled".to_owned()),
                turn_score: Some(8),
                multiplier: Some(2),
                totals: Some([0, 0]),
                ..event(2, "rolled", Some(Seat::Second))
            },
        ];
        let board = Board::of(&log);
        assert_eq!((board.turn, board.turn_score, board.multiplier), (Some(Seat::Second), 8, 2));
        assert_eq!(board.last_roll, Some([4, 4]));

        log.push(MatchEvent { totals: Some([0, 8]), ..event(3, "banked", Some(Seat::Second)) });
        log.push(event(4, "turn_began", Some(Seat::First)));
        let board = Board::of(&log);
        assert_eq!((board.turn, board.turn_score, board.totals), (Some(Seat::First), 0, Some([0, 8])));

        log.push(event(5, "ended", None));
        let board = Board::of(&log);
        assert!(board.over);
        assert_eq!((board.turn, board.totals), (None, Some([0, 8])));
    }

    #[test]
    fn a_roll_is_named_by_its_effect() {
        let bust = MatchEvent { effect: Some("bust".to_owned()), ..event(1, "rolled", Some(Seat::First)) };
        assert_eq!(bust.badge(), Some(("Bust", "bad")));
        let scored = MatchEvent { effect: Some("scored".to_owned()), ..event(1, "rolled", Some(Seat::First)) };
        assert_eq!(scored.badge(), None);
    }
}
