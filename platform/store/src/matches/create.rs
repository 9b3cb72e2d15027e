//! A new match's row.

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;

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
        let mut tx = self.postgres.begin().await?;
        let made = sqlx::query!(
            r#"
            INSERT INTO play.matches (match_id, queue, mode, ranked, commitment, quality, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT DO NOTHING
            "#,
            new.match_id.uuid(),
            new.queue,
            new.mode.as_str(),
            new.ranked,
            new.commitment.as_slice(),
            new.quality,
            new.created_at,
        )
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Ok(false);
        }
        for (seat, player) in (0i16..).zip(&new.players) {
            sqlx::query!(
                r#"
                INSERT INTO play.match_players (match_id, seat, player_id, display_name, points_before, deviation_before)
                VALUES ($1, $2, $3, $4, $5, $6)
                "#,
                new.match_id.uuid(),
                seat,
                player.player_id.uuid(),
                player.display_name,
                player.rating.points,
                player.rating.deviation,
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
