//! Matches: a row of the list, and one in full.

use chrono::{
    DateTime, Utc,
    serde::{ts_milliseconds, ts_milliseconds_option},
};
use serde::{Deserialize, Serialize};

use super::{MatchEvent, Seat};

/// The built-in game's modes, in the order the filter offers them.
pub(crate) const MODES: [&str; 5] = ["quickfire", "classic", "zero-hour", "last-line", "true-grit"];

/// Whether a match still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MatchState {
    Running,
    Finished,
}

impl MatchState {
    pub(crate) const ALL: [Self; 2] = [Self::Running, Self::Finished];

    /// The word in the address bar (`?state=running`).
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
        }
    }

    pub(crate) fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.slug() == slug)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Finished => "Finished",
        }
    }
}

/// One of the two players of a match. Ratings are known in the match's full view only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Player {
    pub id: String,
    pub display_name: String,
    pub seat: Option<Seat>,
    pub total: i64,
    pub rating_before: Option<f64>,
    pub rating_after: Option<f64>,
}

/// How a match ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub kind: String,
    pub winner_id: Option<String>,
}

impl Outcome {
    /// "Ada won", "Ada won, Bo resigned": the end of a match in a few words.
    pub(crate) fn sentence(&self, players: &[Player]) -> String {
        let winner = self.winner_id.as_ref().and_then(|id| players.iter().find(|player| &player.id == id));
        let loser = self.winner_id.as_ref().and_then(|id| players.iter().find(|player| &player.id != id));
        match (self.kind.as_str(), winner, loser) {
            ("won", Some(winner), _) => format!("{} won", winner.display_name),
            ("resigned", Some(winner), Some(loser)) => {
                format!("{} won, {} resigned", winner.display_name, loser.display_name)
            }
            ("forfeited", Some(winner), Some(loser)) => {
                format!("{} won, {} forfeited", winner.display_name, loser.display_name)
            }
            ("abandoned", _, _) => "Abandoned, no rating moved".to_owned(),
            (_, Some(winner), _) => format!("{} won ({})", winner.display_name, self.kind),
            (kind, None, _) => kind.to_owned(),
        }
    }
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchRow {
    pub id: String,
    pub queue: String,
    pub mode: String,
    pub state: MatchState,
    #[serde(with = "ts_milliseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "ts_milliseconds_option")]
    pub ended_at: Option<DateTime<Utc>>,
    pub players: Vec<Player>,
    pub outcome: Option<Outcome>,
}

/// One page of the list, newest match first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchPage {
    #[serde(with = "ts_milliseconds")]
    pub answered_at: DateTime<Utc>,
    pub rows: Vec<MatchRow>,
    pub total: i64,
    /// The cursor of the next page, when there is one.
    pub next: Option<String>,
}

/// A match in full, with its log so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchDetail {
    #[serde(with = "ts_milliseconds")]
    pub answered_at: DateTime<Utc>,
    pub id: String,
    pub queue: String,
    pub mode: String,
    pub state: MatchState,
    #[serde(with = "ts_milliseconds")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "ts_milliseconds_option")]
    pub ended_at: Option<DateTime<Utc>>,
    /// 0 to 1; 1 is two players of equal strength.
    pub quality: Option<f64>,
    pub players: Vec<Player>,
    pub outcome: Option<Outcome>,
    /// SHA-256 of the seed, in hex, published before the first roll.
    pub commitment: String,
    /// The seed, in hex, once the match is over.
    pub seed: Option<String>,
    /// Whether the seed's SHA-256 is the commitment; checked by the dashboard itself.
    pub seed_matches: Option<bool>,
    pub events: Vec<MatchEvent>,
}

impl MatchDetail {
    pub(crate) fn player(&self, seat: Seat) -> Option<&Player> {
        self.players.iter().find(|player| player.seat == Some(seat))
    }

    pub(crate) fn name_of(&self, seat: Seat) -> &str {
        self.player(seat).map_or(seat.label(), |player| player.display_name.as_str())
    }

    pub(crate) fn winner(&self) -> Option<Seat> {
        let winner = self.outcome.as_ref()?.winner_id.as_ref()?;
        self.players.iter().find(|player| &player.id == winner)?.seat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn players() -> Vec<Player> {
        [("ply_a", "Ada", Seat::First), ("ply_b", "Bo", Seat::Second)]
            .into_iter()
            .map(|(id, name, seat)| Player {
                id: id.to_owned(),
                display_name: name.to_owned(),
                seat: Some(seat),
                total: 0,
                rating_before: None,
                rating_after: None,
            })
            .collect()
    }

    fn outcome(kind: &str, winner: Option<&str>) -> Outcome {
        Outcome { kind: kind.to_owned(), winner_id: winner.map(str::to_owned) }
    }

    #[test]
    fn an_outcome_says_who_won_and_why() {
        assert_eq!(outcome("won", Some("ply_a")).sentence(&players()), "Ada won");
        assert_eq!(outcome("resigned", Some("ply_b")).sentence(&players()), "Bo won, Ada resigned");
        assert_eq!(outcome("forfeited", Some("ply_a")).sentence(&players()), "Ada won, Bo forfeited");
        assert_eq!(outcome("abandoned", None).sentence(&players()), "Abandoned, no rating moved");
        assert_eq!(outcome("void", None).sentence(&players()), "void");
    }

    #[test]
    fn a_state_survives_the_address_bar() {
        for state in MatchState::ALL {
            assert_eq!(MatchState::from_slug(state.slug()), Some(state));
        }
        assert_eq!(MatchState::from_slug("paused"), None);
    }
}
