//! The five modes and what they differ in besides rolls: see `rules` for those.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A set of rules of the built-in game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// First total of 50 or more after a bank.
    Quickfire,
    /// First total of 100 or more after a bank.
    Classic,
    /// From 100 down to exactly 0; snake eyes and doubles lift the opponent's total.
    ZeroHour,
    /// From 50; banking takes from the opponent's total, who is out at 0.
    LastLine,
    /// One turn each, until the first lone one; the higher total wins.
    TrueGrit,
}

impl Mode {
    /// Every mode, in the order they are listed to people.
    pub const ALL: [Mode; 5] = [Mode::Quickfire, Mode::Classic, Mode::ZeroHour, Mode::LastLine, Mode::TrueGrit];

    /// The name on every wire, in URLs and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Quickfire => "quickfire",
            Mode::Classic => "classic",
            Mode::ZeroHour => "zero-hour",
            Mode::LastLine => "last-line",
            Mode::TrueGrit => "true-grit",
        }
    }

    /// What both totals are when a match starts.
    pub const fn start_total(self) -> u32 {
        match self {
            Mode::Quickfire | Mode::Classic | Mode::TrueGrit => 0,
            Mode::ZeroHour => 100,
            Mode::LastLine => 50,
        }
    }

    /// Whether a player may end the turn by banking.
    pub const fn can_bank(self) -> bool {
        !matches!(self, Mode::TrueGrit)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no mode is called `{0}`: use quickfire, classic, zero-hour, last-line or true-grit")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_name_is_one_in_serde_display_and_parsing() {
        for mode in Mode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("Classic".parse::<Mode>().is_err());
    }

    #[test]
    fn totals_start_as_the_rules_say() {
        assert_eq!(Mode::ALL.map(Mode::start_total), [0, 0, 100, 50, 0]);
    }
}
