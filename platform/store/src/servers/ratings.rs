//! How strong a player is in queues without a built-in mode.

use muster_core::id::PlayerId;
use muster_core::rating::Rating;

use super::Servers;
use crate::{Result, codec};

/// A player's standing in one such queue, from ranked matches only.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderRating {
    /// The queue.
    pub queue: String,
    /// The rating now.
    pub rating: Rating,
    /// Matches that moved it.
    pub matches: u32,
    /// How many of them were won.
    pub wins: u32,
}

impl Servers {
    /// Every such queue that the player has played ranked, by name; 200 at most.
    pub async fn ratings_of(&self, player: PlayerId) -> Result<Vec<LadderRating>> {
        // Primary key of play.queue_ratings, by its first column.
        let rows = sqlx::query!(
            r#"
            SELECT queue, points, deviation, matches, wins
            FROM play.queue_ratings
            WHERE player_id = $1
            ORDER BY queue
            LIMIT 200
            "#,
            player.uuid(),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| LadderRating {
                queue: row.queue,
                rating: Rating { points: row.points, deviation: row.deviation },
                matches: codec::small(row.matches),
                wins: codec::small(row.wins),
            })
            .collect())
    }
}
