//! What an audit finds.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, TicketId};
use serde::Serialize;

/// Something that must be true and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The stored events have a hole, are out of order, or are not as many as the match says.
    EventsIncomplete,
    /// The stored events are not what the rules and the dice make of the moves.
    ReplayDiffers,
    /// The match has no outcome, more than one, or another than its events end with.
    OutcomeDiffers,
    /// The published seed is not the one that was promised.
    SeedDiffers,
    /// A match has not two players with a rating before and after.
    SeatsIncomplete,
    /// The ratings after a match do not follow from those before it.
    RatingMoveDiffers,
    /// A player's matches do not lead from the start rating to the present one, each going on where one before it ended.
    RatingHistoryBroken,
    /// A player's rating, or their number of matches or wins, is not what the history gives.
    RatingDiffers,
    /// A leaderboard has somebody with another score than their rating gives, not at all, or without a rating.
    LeaderboardDiffers,
    /// A player was in two matches at the same time.
    TwoMatchesAtOnce,
    /// A mode's total is not the number of its matches.
    TotalDiffers,
    /// Telemetry does not tell of a match exactly once a seat.
    TelemetryDiffers,
    /// Telemetry tells the end of a match that is not settled.
    TelemetryUnsettled,
    /// A match that is not settled has no log: it can never end.
    MatchWithoutLog,
    /// A log has no match in the database.
    LogWithoutMatch,
    /// The log of a settled match is still there: its end was not brought to an end.
    LogLeft,
    /// Nobody says that they run this match.
    MatchWithoutOwner,
    /// A match has stood still for longer than any clock of it.
    MatchStalled,
    /// A match still runs, long after everybody has left.
    MatchStillRuns,
    /// The owners' list has a match that does not run.
    OwnerLeft,
    /// A settled match looks to a player as if it still ran.
    SeatOpen,
    /// A player's live ticket is none, or is over: they cannot queue.
    TicketStuck,
    /// A claimed or proposed ticket has been forgotten: its players cannot queue.
    ClaimStuck,
}

impl Kind {
    /// As in JSON.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What is not true.
    pub kind: Kind,
    /// Of which match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
    /// Of which player.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub player_id: Option<PlayerId>,
    /// Of which ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    /// What was expected and what was found.
    pub detail: String,
}

impl Violation {
    /// One that names nobody yet.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, match_id: None, player_id: None, ticket_id: None, detail: detail.into() }
    }

    /// Of this match.
    pub fn of_match(mut self, match_id: MatchId) -> Self {
        self.match_id = Some(match_id);
        self
    }

    /// Of this player.
    pub fn of_player(mut self, player_id: PlayerId) -> Self {
        self.player_id = Some(player_id);
        self
    }

    /// Of this ticket.
    pub fn of_ticket(mut self, ticket_id: TicketId) -> Self {
        self.ticket_id = Some(ticket_id);
        self
    }

    /// Whether it is about the same thing, whatever the words.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, self.match_id, self.player_id, self.ticket_id)
            == (other.kind, other.match_id, other.player_id, other.ticket_id)
    }
}

/// The outcome of an audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When it began.
    pub at: DateTime<Utc>,
    /// Whether it was waited for calm, and there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calm: Option<bool>,
    /// Settled matches that were looked at.
    pub matches: u64,
    /// Their events that were replayed.
    pub events: u64,
    /// Players whose history was recomputed.
    pub players: u64,
    /// Ratings that were compared with the leaderboards.
    pub standings: u64,
    /// Matches that are not settled.
    pub running: u64,
    /// Live tickets that were looked at.
    pub tickets: u64,
    /// How often each kind was found, told or not.
    pub counts: BTreeMap<Kind, u64>,
    /// What is not true: `--most` of each kind.
    pub violations: Vec<Violation>,
    #[serde(skip)]
    most: u64,
}

impl Report {
    /// Nothing is found yet.
    pub fn new(at: DateTime<Utc>, most: u32) -> Self {
        Self {
            at,
            calm: None,
            matches: 0,
            events: 0,
            players: 0,
            standings: 0,
            running: 0,
            tickets: 0,
            counts: BTreeMap::new(),
            violations: Vec::new(),
            most: u64::from(most),
        }
    }

    /// One more.
    pub fn add(&mut self, violation: Violation) {
        let count = self.counts.entry(violation.kind).or_default();
        *count += 1;
        if *count <= self.most {
            self.violations.push(violation);
        }
    }

    /// Several more.
    pub fn extend(&mut self, violations: impl IntoIterator<Item = Violation>) {
        violations.into_iter().for_each(|violation| self.add(violation));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} matches with {} events, {} players, {} standings, {} running matches and {} live tickets were looked at",
            self.matches, self.events, self.players, self.standings, self.running, self.tickets
        )?;
        if self.calm == Some(false) {
            writeln!(f, "it did not become calm in time")?;
        }
        if self.violations.is_empty() {
            return writeln!(f, "everything holds");
        }
        for (kind, count) in &self.counts {
            writeln!(f, "{count:>6}  {}", kind.name())?;
        }
        for violation in &self.violations {
            write!(f, "{}:", violation.kind.name())?;
            if let Some(id) = violation.match_id {
                write!(f, " {id}")?;
            }
            if let Some(id) = violation.player_id {
                write!(f, " {id}")?;
            }
            if let Some(id) = violation.ticket_id {
                write!(f, " {id}")?;
            }
            writeln!(f, " {}", violation.detail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_counts_and_the_first_ones_are_told() {
        let mut report = Report::new(DateTime::UNIX_EPOCH, 2);
        report.extend((0..5).map(|n| Violation::new(Kind::LogLeft, n.to_string())));
        report.add(Violation::new(Kind::TotalDiffers, "one"));
        assert_eq!((report.counts[&Kind::LogLeft], report.violations.len()), (5, 3));
        let text = report.to_string();
        assert!(text.contains("     5  log_left") && text.contains("total_differs: one"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["counts"]["log_left"], &json["violations"][0]["kind"]), (&5.into(), &"log_left".into()));
    }
}
