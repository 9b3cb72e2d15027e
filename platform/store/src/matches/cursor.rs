//! Where a list of matches goes on: after the match that was made then, newest first.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;

/// A place in the list of matches. As text it is opaque to whoever passes it around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchCursor {
    /// When the match before this place was made.
    pub created_at: DateTime<Utc>,
    /// Which it is.
    pub match_id: MatchId,
}

/// A text that is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor of a list of matches; give `after` as an earlier page returned it")]
pub struct InvalidCursor;

impl fmt::Display for MatchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.created_at.timestamp_millis(), self.match_id)
    }
}

impl FromStr for MatchCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (millis, match_id) = text.split_once('-').ok_or(InvalidCursor)?;
        let millis = i64::from_str_radix(millis, 16).map_err(|_| InvalidCursor)?;
        Ok(Self {
            created_at: DateTime::from_timestamp_millis(millis).ok_or(InvalidCursor)?,
            match_id: match_id.parse().map_err(|_| InvalidCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_text() {
        let created_at = "2026-01-31T09:30:00.125Z".parse().unwrap();
        let cursor = MatchCursor { created_at, match_id: MatchId::new(created_at, [7; 10]) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "5", "zz-mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405", "5-ply_0192f0c1e1c07b2cb4b1a7d1c2e3f405"] {
            assert_eq!(wrong.parse::<MatchCursor>(), Err(InvalidCursor));
        }
    }
}
