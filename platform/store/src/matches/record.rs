//! A match as the database has it.

use chrono::{DateTime, Utc};
use muster_core::game::{Mode, Outcome, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{MatchPlayer, MatchStatus, MatchView};
use serde_json::Value;
use uuid::Uuid;

use super::MatchCursor;
use crate::{Result, StoreError, codec};

/// A match: who, when, and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecord {
    /// The match.
    pub match_id: MatchId,
    /// The queue that made it.
    pub queue: String,
    /// The mode it is played in.
    pub mode: Mode,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// Whether it is settled.
    pub finished: bool,
    /// In seat order.
    pub players: [MatchRecordPlayer; 2],
    /// SHA-256 of the seed.
    pub commitment: [u8; 32],
    /// Only when finished.
    pub seed: Option<[u8; 32]>,
    /// How even it was thought to be: 0 to 1.
    pub quality: f64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Only when finished.
    pub ended_at: Option<DateTime<Utc>>,
    /// Only when finished.
    pub outcome: Option<Outcome>,
    /// The number of the last event; 0 while it runs.
    pub version: u64,
}

/// A player of a match.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecordPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// What they were called then.
    pub display_name: String,
    /// Their points when it was made; those it was settled with, once it is.
    pub rating_before: f64,
    /// Only when finished; the same as before when no rating moved.
    pub rating_after: Option<f64>,
}

impl MatchRecord {
    /// The match as its players see it. Of a running match the database does not know how it stands (`totals` as at the start,
    /// no `turn`, `version` 0): ask its owner, or replay its log.
    pub fn view(&self) -> MatchView {
        let [first, second] = &self.players;
        let player = |seat, player: &MatchRecordPlayer| MatchPlayer {
            player_id: player.player_id,
            display_name: player.display_name.clone(),
            seat,
            rating: player.rating_before,
        };
        MatchView {
            match_id: self.match_id,
            queue: self.queue.clone(),
            mode: self.mode,
            state: if self.finished { MatchStatus::Finished } else { MatchStatus::Running },
            players: vec![player(Seat::First, first), player(Seat::Second, second)],
            commitment: hex::encode(self.commitment),
            seed: self.seed.map(hex::encode),
            created_at: self.created_at,
            ended_at: self.ended_at,
            outcome: self.outcome,
            version: self.version,
            totals: self.outcome.map_or([self.mode.start_total(); 2], |outcome| outcome.totals),
            turn: None,
        }
    }

    /// Where a list goes on after this match.
    pub fn cursor(&self) -> MatchCursor {
        MatchCursor { created_at: self.created_at, match_id: self.match_id }
    }
}

/// A row of play.matches with its two players beside it, as every query here selects them.
pub(super) struct Row {
    pub match_id: Uuid,
    pub queue: String,
    pub mode: String,
    pub ranked: bool,
    pub finished: bool,
    pub commitment: Vec<u8>,
    pub seed: Option<Vec<u8>>,
    pub quality: f64,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<Value>,
    pub version: i64,
    pub player_ids: Vec<Uuid>,
    pub display_names: Vec<String>,
    pub points_before: Vec<f64>,
    pub points_after: Vec<Option<f64>>,
}

impl TryFrom<Row> for MatchRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            match_id: MatchId::from_uuid(row.match_id),
            mode: codec::parse("a match's mode", &row.mode)?,
            ranked: row.ranked,
            finished: row.finished,
            players: players(row.player_ids, row.display_names, row.points_before, row.points_after)?,
            commitment: codec::bytes32("a match's commitment", &row.commitment)?,
            seed: row.seed.map(|seed| codec::bytes32("a match's seed", &seed)).transpose()?,
            quality: row.quality,
            created_at: row.created_at,
            ended_at: row.ended_at,
            outcome: row.outcome.map(|outcome| codec::from_json_value("a match's outcome", outcome)).transpose()?,
            version: codec::count(row.version),
            queue: row.queue,
        })
    }
}

fn players(
    ids: Vec<Uuid>,
    names: Vec<String>,
    before: Vec<f64>,
    after: Vec<Option<f64>>,
) -> Result<[MatchRecordPlayer; 2]> {
    let by_seat = ids.into_iter().zip(names).zip(before).zip(after);
    let players: Vec<_> = by_seat
        .map(|(((player_id, display_name), rating_before), rating_after)| MatchRecordPlayer {
            player_id: PlayerId::from_uuid(player_id),
            display_name,
            rating_before,
            rating_after,
        })
        .collect();
    players.try_into().map_err(|players: Vec<_>| StoreError::corrupt("a match", format!("{} players", players.len())))
}
