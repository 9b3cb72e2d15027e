//! What each player has played, beside the ratings that should follow from it.

use chrono::{DateTime, Utc};
use muster_core::game::{Mode, Outcome, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use uuid::Uuid;

use crate::{Matches, PlayerRating, Result, codec};

/// A player's matches and ratings, as they were at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayerHistory {
    /// Who.
    pub player_id: PlayerId,
    /// What they played, in the order in which the matches were made.
    pub matches: Vec<HistoryMatch>,
    /// Their ratings in the modes that they played.
    pub ratings: Vec<PlayerRating>,
}

/// A match as one of its players sees it in their history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistoryMatch {
    /// The match.
    pub match_id: MatchId,
    /// The mode it is played in.
    pub mode: Mode,
    /// Where the player sat; none when the number is of no seat.
    pub seat: Option<Seat>,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// How it ended; none while it runs, or when it cannot be read.
    pub outcome: Option<Outcome>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ended; none while it runs.
    pub ended_at: Option<DateTime<Utc>>,
    /// The player's rating when it was settled.
    pub before: Rating,
    /// The player's rating from then on; none while it runs.
    pub after: Option<Rating>,
}

/// Whose rating, in what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatingKey {
    /// Whose.
    pub player_id: PlayerId,
    /// The mode's name.
    pub mode: String,
}

impl Matches {
    /// Players with an id above `after` who play in a match whose id is above `since`, in the order of ids. The nil ids are
    /// before all others.
    pub async fn players_page(&self, after: PlayerId, since: MatchId, first: u32) -> Result<Vec<PlayerId>> {
        // Index match_players_player holds all that is asked for.
        let players = sqlx::query_scalar!(
            "SELECT DISTINCT player_id FROM play.match_players WHERE player_id > $1 AND match_id > $2 ORDER BY player_id LIMIT $3",
            after.uuid(),
            since.uuid(),
            i64::from(first),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(players.into_iter().map(PlayerId::from_uuid).collect())
    }

    /// The histories of these players, those without any left out, in the order of ids. Matches and ratings are of the same
    /// moment, so they fit each other even while matches are settled.
    pub async fn histories(&self, players: &[PlayerId]) -> Result<Vec<PlayerHistory>> {
        let players: Vec<Uuid> = players.iter().map(|player| player.uuid()).collect();
        // Index match_players_player; primary keys of play.matches and play.ratings.
        let rows = sqlx::query!(
            r#"
            SELECT p.player_id, p.match_id, p.seat, p.points_before, p.deviation_before, p.points_after, p.deviation_after,
                   m.mode, m.ranked, m.outcome, m.created_at, m.ended_at, r.points AS "points?", r.deviation AS "deviation?",
                   r.matches AS "matches?", r.wins AS "wins?"
            FROM play.match_players p
            JOIN play.matches m USING (match_id)
            LEFT JOIN play.ratings r ON r.player_id = p.player_id AND r.mode = m.mode
            WHERE p.player_id = ANY($1)
            ORDER BY p.player_id, p.match_id
            "#,
            &players,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut histories: Vec<PlayerHistory> = Vec::new();
        for row in rows {
            let player_id = PlayerId::from_uuid(row.player_id);
            if histories.last().is_none_or(|last| last.player_id != player_id) {
                histories.push(PlayerHistory { player_id, matches: Vec::new(), ratings: Vec::new() });
            }
            let Some(history) = histories.last_mut() else { continue };
            let mode = codec::parse("a match's mode", &row.mode)?;
            if let (Some(points), Some(deviation), Some(matches), Some(wins)) =
                (row.points, row.deviation, row.matches, row.wins)
                && history.ratings.iter().all(|rating| rating.mode != mode)
            {
                history.ratings.push(PlayerRating {
                    mode,
                    rating: Rating { points, deviation },
                    matches: codec::small(matches),
                    wins: codec::small(wins),
                });
            }
            history.matches.push(HistoryMatch {
                match_id: MatchId::from_uuid(row.match_id),
                mode,
                seat: usize::try_from(row.seat).ok().and_then(Seat::from_index),
                ranked: row.ranked,
                outcome: row.outcome.and_then(|outcome| serde_json::from_value(outcome).ok()),
                created_at: row.created_at,
                ended_at: row.ended_at,
                before: Rating { points: row.points_before, deviation: row.deviation_before },
                after: row
                    .points_after
                    .zip(row.deviation_after)
                    .map(|(points, deviation)| Rating { points, deviation }),
            });
        }
        Ok(histories)
    }

    /// Ratings of players who have settled no ranked match in that mode; `most` at most.
    pub async fn ratings_without_history(&self, most: u32) -> Result<Vec<RatingKey>> {
        // Index match_players_player.
        let rows = sqlx::query!(
            r#"
            SELECT r.player_id, r.mode
            FROM play.ratings r
            WHERE NOT EXISTS (
                SELECT FROM play.match_players p
                JOIN play.matches m USING (match_id)
                WHERE p.player_id = r.player_id AND m.mode = r.mode AND m.ranked AND m.state = 'finished')
            ORDER BY r.player_id, r.mode
            LIMIT $1
            "#,
            i64::from(most),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| RatingKey { player_id: PlayerId::from_uuid(row.player_id), mode: row.mode })
            .collect())
    }
}
