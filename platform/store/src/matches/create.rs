//! New matches' rows.

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use uuid::Uuid;

use super::Matches;
use crate::Result;

/// A match that has just been made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMatch {
    /// The match.
    pub match_id: MatchId,
    /// The queue that made it.
    pub queue: String,
    /// The mode it is played in.
    pub mode: Mode,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// In seat order.
    pub players: [NewMatchPlayer; 2],
    /// SHA-256 of the seed.
    pub commitment: [u8; 32],
    /// How even it is thought to be: 0 to 1.
    pub quality: f64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A player of a new match.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMatchPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// What they are called now; the history keeps it.
    pub display_name: String,
    /// How strong they are thought to be.
    pub rating: Rating,
}

impl Matches {
    /// Makes the row. False: it was there already, and stays as it was.
    pub async fn create(&self, new: &NewMatch) -> Result<bool> {
        Ok(self.create_many(std::slice::from_ref(new)).await?.contains(&new.match_id))
    }

    /// Makes the rows of many matches, in one statement. Returns those that were not there already; the others stay as they
    /// were.
    pub async fn create_many(&self, new: &[NewMatch]) -> Result<Vec<MatchId>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let matches = MatchColumns::of(new);
        let players = PlayerColumns::of(new);
        let made = sqlx::query_scalar!(
            r#"
            WITH made AS (
                INSERT INTO play.matches (match_id, queue, mode, ranked, commitment, quality, created_at)
                SELECT *
                FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::bytea[], $6::float8[], $7::timestamptz[])
                ON CONFLICT DO NOTHING
                RETURNING match_id
            ), players AS (
                INSERT INTO play.match_players (match_id, seat, player_id, display_name, points_before, deviation_before)
                SELECT p.*
                FROM unnest($8::uuid[], $9::int2[], $10::uuid[], $11::text[], $12::float8[], $13::float8[])
                    AS p (match_id, seat, player_id, display_name, points_before, deviation_before)
                JOIN made USING (match_id)
            )
            SELECT match_id FROM made
            "#,
            &matches.ids,
            &matches.queues as &[&str],
            &matches.modes as &[&str],
            &matches.ranked,
            &matches.commitments as &[&[u8]],
            &matches.qualities,
            &matches.created_ats,
            &players.matches,
            &players.seats,
            &players.ids,
            &players.names as &[&str],
            &players.points,
            &players.deviations,
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(made.into_iter().map(MatchId::from_uuid).collect())
    }
}

/// Matches, column by column, as arrays of PostgreSQL.
#[derive(Default)]
struct MatchColumns<'a> {
    ids: Vec<Uuid>,
    queues: Vec<&'a str>,
    modes: Vec<&'static str>,
    ranked: Vec<bool>,
    commitments: Vec<&'a [u8]>,
    qualities: Vec<f64>,
    created_ats: Vec<DateTime<Utc>>,
}

impl<'a> MatchColumns<'a> {
    fn of(new: &'a [NewMatch]) -> Self {
        let mut columns = Self::default();
        for new in new {
            columns.ids.push(new.match_id.uuid());
            columns.queues.push(&new.queue);
            columns.modes.push(new.mode.as_str());
            columns.ranked.push(new.ranked);
            columns.commitments.push(&new.commitment);
            columns.qualities.push(new.quality);
            columns.created_ats.push(new.created_at);
        }
        columns
    }
}

/// Their players, likewise.
#[derive(Default)]
struct PlayerColumns<'a> {
    matches: Vec<Uuid>,
    seats: Vec<i16>,
    ids: Vec<Uuid>,
    names: Vec<&'a str>,
    points: Vec<f64>,
    deviations: Vec<f64>,
}

impl<'a> PlayerColumns<'a> {
    fn of(new: &'a [NewMatch]) -> Self {
        let mut columns = Self::default();
        for (new, seat, player) in new.iter().flat_map(|new| (0i16..).zip(&new.players).map(move |(s, p)| (new, s, p)))
        {
            columns.matches.push(new.match_id.uuid());
            columns.seats.push(seat);
            columns.ids.push(player.player_id.uuid());
            columns.names.push(&player.display_name);
            columns.points.push(player.rating.points);
            columns.deviations.push(player.rating.deviation);
        }
        columns
    }
}
