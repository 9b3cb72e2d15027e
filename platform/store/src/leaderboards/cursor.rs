//! Where a board goes on: after the player who stood there with that score, whether they still do or not.

use std::fmt;
use std::str::FromStr;

use muster_core::id::PlayerId;

/// A place on a board. As text it is opaque to whoever passes it around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoardCursor {
    /// The score before this place; finite.
    pub score: f64,
    /// Whose it was.
    pub player_id: PlayerId,
}

/// A text that is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor of a leaderboard; give `after` as an earlier page returned it")]
pub struct InvalidBoardCursor;

impl fmt::Display for BoardCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.score.to_bits(), self.player_id)
    }
}

impl FromStr for BoardCursor {
    type Err = InvalidBoardCursor;

    fn from_str(text: &str) -> Result<Self, InvalidBoardCursor> {
        let (score, player_id) = text.split_once('.').ok_or(InvalidBoardCursor)?;
        let score = f64::from_bits(u64::from_str_radix(score, 16).map_err(|_| InvalidBoardCursor)?);
        if !score.is_finite() {
            return Err(InvalidBoardCursor);
        }
        Ok(Self { score, player_id: player_id.parse().map_err(|_| InvalidBoardCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_text() {
        let cursor = BoardCursor { score: -12.345_678_9, player_id: crate::fresh_id() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let infinite = BoardCursor { score: f64::INFINITY, ..cursor }.to_string();
        for wrong in ["", "5", "5.", "zz.x", &infinite] {
            assert_eq!(wrong.parse::<BoardCursor>(), Err(InvalidBoardCursor));
        }
    }
}
