//! The boards and the ratings side by side. Nothing here judges.

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::PlayerId;
use redis::Pipeline;
use uuid::Uuid;

use super::{Leaderboards, Standing, standing};
use crate::{Result, codec};

/// What PostgreSQL says that a board should have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoardRating {
    /// What belongs on the board.
    pub standing: Standing,
    /// When the last match ended that moved it.
    pub updated_at: DateTime<Utc>,
}

/// Where reading all ratings goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    player: Uuid,
    mode: &'static str,
}

impl Place {
    /// Before all of them.
    pub fn start() -> Self {
        Self { player: Uuid::nil(), mode: "" }
    }

    /// After this one.
    pub fn of(rating: &BoardRating) -> Self {
        Self { player: rating.standing.player_id.uuid(), mode: rating.standing.mode.as_str() }
    }
}

/// A walk over everybody on a board, in no order; somebody may be met twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardWalk {
    mode: Mode,
    /// Redis' own cursor; none at the end.
    next: Option<u64>,
}

impl BoardWalk {
    /// Of this board, from its beginning.
    pub fn of(mode: Mode) -> Self {
        Self { mode, next: Some(0) }
    }
}

impl Leaderboards {
    /// Ratings in the order of players and modes, `first` (1 to 1,000) after another one.
    pub async fn ratings(&self, after: Option<&BoardRating>, first: u32) -> Result<Vec<BoardRating>> {
        self.ratings_after(after.map_or_else(Place::start, Place::of), &Mode::ALL, first).await
    }

    /// The ratings of these players, in all modes.
    pub async fn ratings_of(&self, players: &[PlayerId]) -> Result<Vec<BoardRating>> {
        if players.is_empty() {
            return Ok(Vec::new());
        }
        let players: Vec<Uuid> = players.iter().map(|player| player.uuid()).collect();
        // Primary key of play.ratings, by its first column.
        let rows = sqlx::query!(
            "SELECT player_id, mode, points, deviation, matches, updated_at FROM play.ratings WHERE player_id = ANY($1)",
            &players,
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let standing = standing(row.player_id, &row.mode, row.points, row.deviation, row.matches)?;
                Ok(BoardRating { standing, updated_at: row.updated_at })
            })
            .collect()
    }

    pub(super) async fn ratings_after(&self, place: Place, modes: &[Mode], first: u32) -> Result<Vec<BoardRating>> {
        let modes: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
        // Primary key of play.ratings.
        let rows = sqlx::query!(
            r#"
            SELECT player_id, mode, points, deviation, matches, updated_at
            FROM play.ratings
            WHERE (player_id, mode) > ($1, $2) AND mode = ANY($3)
            ORDER BY player_id, mode
            LIMIT $4
            "#,
            place.player,
            place.mode,
            &modes as &[&str],
            i64::from(first.clamp(1, 1_000)),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let standing = standing(row.player_id, &row.mode, row.points, row.deviation, row.matches)?;
                Ok(BoardRating { standing, updated_at: row.updated_at })
            })
            .collect()
    }

    /// What the boards have of these players in these modes, in their order; none where a player does not stand on the board, or
    /// only half of the standing is left. Scores and versions of the standings given do not count.
    pub async fn stood(&self, standings: &[Standing]) -> Result<Vec<Option<Standing>>> {
        let mut pipe = Pipeline::with_capacity(standings.len() * 2);
        for Standing { mode, player_id, .. } in standings {
            let (board, player) = (self.board(*mode), player_id.to_string());
            pipe.cmd("ZSCORE").arg(&board).arg(&player);
            pipe.cmd("HGET").arg(board + ":versions").arg(&player);
        }
        let found: Vec<Option<f64>> =
            if standings.is_empty() { Vec::new() } else { pipe.query_async(&mut self.redis.clone()).await? };
        let found = found.chunks_exact(2).zip(standings).map(|(found, standing)| {
            let (turned, version) = (found[0]?, found[1]?);
            Some(Standing { score: -turned, version: version as u32, ..*standing })
        });
        Ok(found.collect())
    }

    /// Some more of a walk over a board: who stands there. None when it is at its end.
    pub async fn walk(&self, walk: &mut BoardWalk) -> Result<Option<Vec<PlayerId>>> {
        let Some(from) = walk.next else { return Ok(None) };
        let mut scan = redis::cmd("ZSCAN");
        scan.arg(self.board(walk.mode)).arg(from).arg("COUNT").arg(500);
        let (next, found): (u64, Vec<(String, f64)>) = scan.query_async(&mut self.redis.clone()).await?;
        walk.next = (next != 0).then_some(next);
        found.into_iter().map(|(player, _)| codec::parse("a leaderboard", &player)).collect::<Result<_>>().map(Some)
    }
}
