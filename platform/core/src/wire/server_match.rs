//! Matches on servers of their game: what the servers are told of them, and what they report.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FieldError;
use crate::id::{MatchId, PlayerId, ServerId};
use crate::matchmaking::MAX_MATCH_PLAYERS;
use crate::time::millis;

/// `POST /v1/servers/{id}/matches/{match_id}/start`: the match is played, with the players that the server knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartMatch {
    /// The `roster` of the match as the server read it.
    #[schemars(range(min = 1))]
    #[schema(minimum = 1)]
    pub roster: u32,
}

/// `POST /v1/servers/{id}/matches/{match_id}/players`: who came, and who left for good. A line that dropped is no leaving.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportPlayers {
    /// Who has come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    #[schema(max_items = 128)]
    pub joined: Vec<PlayerId>,
    /// Who does not come back: free to queue again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    #[schema(max_items = 128)]
    pub left: Vec<PlayerId>,
}

impl ReportPlayers {
    /// Checks the lengths.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn validate(&self) -> Result<(), FieldError> {
        for (path, players) in [("joined", &self.joined), ("left", &self.left)] {
            if players.len() > MAX_MATCH_PLAYERS {
                return Err(FieldError::new(path, "128 at most"));
            }
        }
        Ok(())
    }
}

/// `PUT /v1/servers/{id}/matches/{match_id}/result`: how a match ended. Once: the same again is as good, anything else is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReportResult {
    /// It was played to its end.
    Finished {
        /// One for each team of the match, in order.
        #[schemars(length(min = 1, max = 16))]
        teams: Vec<TeamResult>,
    },
    /// It was called off: nobody's rating moves.
    Abandoned {
        /// Why, as a stable name: 1 to 32 of `a-z`, `0-9` and `_`.
        reason: String,
    },
}

/// How a team did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamResult {
    /// Who of the team has played: ratings of the others do not move.
    #[schemars(length(max = 128))]
    #[schema(max_items = 128)]
    pub players: Vec<PlayerId>,
    /// 1 for the best, 2 for the next; teams of the same rank drew.
    #[schemars(range(min = 1, max = 16))]
    #[schema(minimum = 1, maximum = 16)]
    pub rank: u8,
    /// Points or whatever the game counts; for the history only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
}

impl ReportResult {
    /// Checks what can be seen without the match.
    ///
    /// # Errors
    /// Each field whose value is not allowed.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        match self {
            Self::Abandoned { reason } => {
                let stable = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
                if !(1..=32).contains(&reason.len()) || !reason.bytes().all(stable) {
                    faults.push(FieldError::new("reason", "1 to 32 of `a-z`, `0-9` and `_`"));
                }
            }
            Self::Finished { teams } => {
                let mut seen = BTreeSet::new();
                if !(1..=16).contains(&teams.len()) {
                    faults.push(FieldError::new("teams", "1 to 16"));
                }
                for (index, team) in teams.iter().enumerate() {
                    if !(1..=16).contains(&team.rank) {
                        faults.push(FieldError::new(format!("teams[{index}].rank"), "1 to 16"));
                    }
                    if team.players.len() > MAX_MATCH_PLAYERS {
                        faults.push(FieldError::new(format!("teams[{index}].players"), "128 at most"));
                    } else if !team.players.iter().all(|player| seen.insert(*player)) {
                        faults.push(FieldError::new(format!("teams[{index}].players"), "each player once"));
                    }
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Whether a match on a server of its game is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerMatchState {
    /// It has its server, which has not started it yet.
    Allocated,
    /// It is played.
    Running,
    /// It is over.
    Ended,
}

/// A match on a server of its game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ServerMatchView {
    /// Which match.
    pub match_id: MatchId,
    /// The server it was given to.
    pub server_id: ServerId,
    /// The queue it came from.
    pub queue: String,
    /// Where it is played; absent when the queue has no regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// How even it is: 0 to 1.
    pub quality: f64,
    /// Whether it is over.
    pub state: ServerMatchState,
    /// Counts from 1; players who join later make the next one.
    pub roster: u32,
    /// Who plays with whom, team by team.
    pub teams: Vec<Vec<ServerMatchPlayer>>,
    /// When it was given to the server.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it began.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ServerMatchEnd>,
}

/// A player of a match on a server of its game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ServerMatchPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// What the player does; absent when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When the server said that the player has come.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub joined_at: Option<DateTime<Utc>>,
    /// When the player left for good; the end of the match at the latest.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub left_at: Option<DateTime<Utc>>,
    /// Points in the queue before the match, once its result moved them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_before: Option<f64>,
    /// Points after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_after: Option<f64>,
}

/// Why a match on a server of its game is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerMatchReason {
    /// It was played to its end.
    Finished,
    /// Its server called it off.
    Abandoned,
    /// Its server fell silent.
    ServerLost,
    /// Its server did not start it in time.
    NeverStarted,
    /// It ran for longer than any match may.
    Overdue,
}

impl ServerMatchReason {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Abandoned => "abandoned",
            Self::ServerLost => "server_lost",
            Self::NeverStarted => "never_started",
            Self::Overdue => "overdue",
        }
    }
}

/// How a match on a server of its game ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ServerMatchEnd {
    /// Why.
    pub reason: ServerMatchReason,
    /// What its server said of why, when it called the match off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How each team did, in order; nothing unless it was finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<TeamResult>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_names_each_field_that_is_wrong() {
        let player = |n: u128| PlayerId::from_uuid(uuid::Uuid::from_u128(n));
        let team = |players: Vec<PlayerId>, rank| TeamResult { players, rank, score: None };
        let paths = |report: ReportResult| match report.validate() {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.path).collect(),
        };
        let finished = |teams| paths(ReportResult::Finished { teams });
        assert!(finished(vec![team(vec![player(1)], 1), team(vec![], 1)]).is_empty());
        assert_eq!(finished(vec![]), ["teams"]);
        assert_eq!(finished(vec![team(vec![], 0), team(vec![], 17)]), ["teams[0].rank", "teams[1].rank"]);
        assert_eq!(finished(vec![team(vec![player(1)], 1), team(vec![player(1)], 2)]), ["teams[1].players"]);
        assert_eq!(finished(vec![team((0..129).map(player).collect(), 1)]), ["teams[0].players"]);
        assert!(paths(ReportResult::Abandoned { reason: "crash_1".to_owned() }).is_empty());
        for reason in ["", "No!", &"x".repeat(33)] {
            assert_eq!(paths(ReportResult::Abandoned { reason: reason.to_owned() }), ["reason"]);
        }
    }

    #[test]
    fn results_tell_their_kinds_apart_and_refuse_what_they_do_not_know() {
        let read = |text: &str| serde_json::from_str::<ReportResult>(text);
        assert!(matches!(read(r#"{"outcome":"finished","teams":[]}"#), Ok(ReportResult::Finished { .. })));
        assert!(matches!(read(r#"{"outcome":"abandoned","reason":"x"}"#), Ok(ReportResult::Abandoned { .. })));
        assert!(read(r#"{"outcome":"finished","teams":[],"winner":1}"#).is_err());
        assert!(read(r#"{"outcome":"won"}"#).is_err());
    }
}
