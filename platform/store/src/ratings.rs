//! How strong each player is in each mode. Only `Matches::settle` writes here.

use muster_core::game::Mode;
use muster_core::id::PlayerId;
use muster_core::rating::Rating;
use sqlx::PgPool;

use crate::{Result, codec};

/// A player's standing in one mode, from ranked matches only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerRating {
    /// The mode.
    pub mode: Mode,
    /// The rating now.
    pub rating: Rating,
    /// Ranked matches that moved it.
    pub matches: u32,
    /// How many of them were won.
    pub wins: u32,
}

/// Handle on the ratings.
#[derive(Clone)]
pub struct Ratings {
    postgres: PgPool,
}

impl Ratings {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// A player's standing in one mode; the start rating for who never played it.
    pub async fn of(&self, player: PlayerId, mode: Mode) -> Result<PlayerRating> {
        // Primary key of play.ratings.
        let row = sqlx::query!(
            "SELECT points, deviation, matches, wins FROM play.ratings WHERE player_id = $1 AND mode = $2",
            player.uuid(),
            mode.as_str(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map_or(PlayerRating { mode, rating: Rating::default(), matches: 0, wins: 0 }, |row| PlayerRating {
            mode,
            rating: Rating { points: row.points, deviation: row.deviation },
            matches: codec::small(row.matches),
            wins: codec::small(row.wins),
        }))
    }

    /// Every mode that the player has played, in the modes' order.
    pub async fn all(&self, player: PlayerId) -> Result<Vec<PlayerRating>> {
        // Primary key of play.ratings, by its first column.
        let rows = sqlx::query!(
            "SELECT mode, points, deviation, matches, wins FROM play.ratings WHERE player_id = $1",
            player.uuid()
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut ratings = rows
            .into_iter()
            .map(|row| {
                Ok(PlayerRating {
                    mode: codec::parse("a rating's mode", &row.mode)?,
                    rating: Rating { points: row.points, deviation: row.deviation },
                    matches: codec::small(row.matches),
                    wins: codec::small(row.wins),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        ratings.sort_by_key(|rating| rating.mode);
        Ok(ratings)
    }
}
