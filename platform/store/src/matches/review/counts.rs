//! Counts and seats that should follow from the matches.

use std::collections::HashMap;

use muster_core::id::{MatchId, PlayerId};
use uuid::Uuid;

use crate::{Matches, Result, codec};

/// A mode whose total is not the number of its matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalMismatch {
    /// The mode's name.
    pub mode: String,
    /// What the total says.
    pub told: u64,
    /// How many settled matches there are.
    pub counted: u64,
}

/// A seat of a settled match that looks as if it were played still: its player is told to be in a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSeat {
    /// The match.
    pub match_id: MatchId,
    /// Who is stuck in it.
    pub player_id: PlayerId,
}

impl Matches {
    /// Which of these matches have a row, and whether they are settled.
    pub async fn settled_of(&self, matches: &[MatchId]) -> Result<HashMap<MatchId, bool>> {
        let ids: Vec<Uuid> = matches.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query!(
            r#"SELECT match_id, state = 'finished' AS "finished!" FROM play.matches WHERE match_id = ANY($1)"#,
            &ids
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows.into_iter().map(|row| (MatchId::from_uuid(row.match_id), row.finished)).collect())
    }

    /// Modes whose total of settled matches is wrong. Counts the table.
    pub async fn total_mismatches(&self) -> Result<Vec<TotalMismatch>> {
        let rows = sqlx::query!(
            r#"
            SELECT coalesce(t.mode, c.mode) AS "mode!", coalesce(t.finished, 0) AS "told!", coalesce(c.finished, 0) AS "counted!"
            FROM play.match_totals t
            FULL JOIN (
                SELECT mode, count(*) AS finished FROM play.matches WHERE state = 'finished' GROUP BY mode
            ) c USING (mode)
            WHERE coalesce(t.finished, 0) <> coalesce(c.finished, 0)
            "#
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| TotalMismatch {
                mode: row.mode,
                told: codec::count(row.told),
                counted: codec::count(row.counted),
            })
            .collect())
    }

    /// Seats of settled matches that were left open; `most` at most.
    pub async fn open_seats(&self, most: u32) -> Result<Vec<OpenSeat>> {
        // Index match_players_running: as small as the number of running matches.
        let rows = sqlx::query!(
            r#"
            SELECT p.match_id, p.player_id
            FROM play.match_players p
            JOIN play.matches m USING (match_id)
            WHERE p.points_after IS NULL AND m.state = 'finished'
            ORDER BY p.match_id
            LIMIT $1
            "#,
            i64::from(most),
        )
        .fetch_all(&self.postgres)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| OpenSeat {
                match_id: MatchId::from_uuid(row.match_id),
                player_id: PlayerId::from_uuid(row.player_id),
            })
            .collect())
    }
}
