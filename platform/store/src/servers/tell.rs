//! Ends that players and telemetry still have to be told of.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, SubjectId};
use muster_core::wire::ServerMatchEnd;
use uuid::Uuid;

use super::Servers;
use super::row::{end, team};
use crate::{Result, StoreError};

/// A match that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedMatch {
    /// Which match.
    pub match_id: MatchId,
    /// The queue it came from.
    pub queue: String,
    /// Where it was played, where the queue has regions.
    pub region: Option<String>,
    /// How even it was thought to be.
    pub quality: f64,
    /// When it was given to its server.
    pub created_at: DateTime<Utc>,
    /// When it began; None when it never did.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: DateTime<Utc>,
    /// How it ended.
    pub end: ServerMatchEnd,
    /// Everybody who was ever in it.
    pub players: Vec<EndedPlayer>,
}

/// A player of a match that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedPlayer {
    /// Who.
    pub player_id: PlayerId,
    /// What telemetry calls them; none of whom there is no account any more.
    pub subject_id: Option<SubjectId>,
    /// The team, from 0.
    pub team: u8,
    /// Points before and after, when it moved their rating.
    pub points: Option<(f64, f64)>,
    /// Whether they were still in it at its end: who had left before is told nothing more.
    pub stayed: bool,
}

impl Servers {
    /// Takes ends that are to be told, of these matches or of any, the oldest first; `first` at most. Nobody else gets them for as
    /// long as `hold`; what is not [`told`](Servers::told) by then comes again.
    pub async fn untold(
        &self,
        only: Option<&[MatchId]>,
        first: u32,
        now: DateTime<Utc>,
        hold: Duration,
    ) -> Result<Vec<EndedMatch>> {
        let only: Option<Vec<Uuid>> = only.map(|ids| ids.iter().map(|id| id.uuid()).collect());
        // Index server_matches_untold.
        let rows = sqlx::query!(
            r#"
            UPDATE play.server_matches
            SET tell_at = $3
            WHERE match_id IN (
                SELECT match_id
                FROM play.server_matches
                WHERE tell_at <= $2 AND ($1::uuid[] IS NULL OR match_id = ANY($1))
                ORDER BY tell_at
                LIMIT $4
                FOR UPDATE SKIP LOCKED)
            RETURNING match_id, queue, region, quality, created_at, started_at, ended_at, reason, report
            "#,
            only.as_deref(),
            now,
            now + hold,
            i64::from(first),
        )
        .fetch_all(&self.postgres)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.match_id).collect();
        let mut players = self.ended_players(&ids).await?;
        rows.into_iter()
            .map(|row| {
                let missing = || StoreError::corrupt("a server's match", "it is over without a reason or a time");
                Ok(EndedMatch {
                    match_id: MatchId::from_uuid(row.match_id),
                    queue: row.queue,
                    region: row.region,
                    quality: row.quality,
                    created_at: row.created_at,
                    started_at: row.started_at,
                    ended_at: row.ended_at.ok_or_else(missing)?,
                    end: end(&row.reason.ok_or_else(missing)?, row.report)?,
                    players: players.remove(&row.match_id).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// These ends are told. May be repeated.
    pub async fn told(&self, matches: &[MatchId]) -> Result<()> {
        let ids: Vec<Uuid> = matches.iter().map(|id| id.uuid()).collect();
        // Primary key of play.server_matches.
        sqlx::query!("UPDATE play.server_matches SET tell_at = NULL WHERE match_id = ANY($1)", &ids)
            .execute(&self.postgres)
            .await?;
        Ok(())
    }

    async fn ended_players(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<EndedPlayer>>> {
        // Primary keys of play.server_match_players, play.server_matches and player.subjects.
        let rows = sqlx::query!(
            r#"
            SELECT p.match_id, p.player_id, p.team, p.points_before, p.points_after,
                coalesce(p.left_at >= m.ended_at, true) AS "stayed!", s.subject_id AS "subject_id?"
            FROM play.server_match_players p
            JOIN play.server_matches m USING (match_id)
            LEFT JOIN player.subjects s USING (player_id)
            WHERE p.match_id = ANY($1)
            ORDER BY p.match_id, p.team, p.player_id
            "#,
            ids,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut players: HashMap<Uuid, Vec<EndedPlayer>> = HashMap::new();
        for row in rows {
            players.entry(row.match_id).or_default().push(EndedPlayer {
                player_id: PlayerId::from_uuid(row.player_id),
                subject_id: row.subject_id.map(SubjectId::from_uuid),
                team: team(row.team),
                points: row.points_before.zip(row.points_after),
                stayed: row.stayed,
            });
        }
        Ok(players)
    }
}
