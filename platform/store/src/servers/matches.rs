//! Matches on servers: one, those that a server does not know of yet, and a player's own.

use std::collections::HashMap;

use muster_core::id::{MatchId, PlayerId, ServerId};
use muster_core::wire::{ServerMatchPlayer, ServerMatchState, ServerMatchView};
use uuid::Uuid;

use super::Servers;
use super::row::{end, team};
use crate::{Result, StoreError, codec};

/// The most matches that one heartbeat is answered with.
const AT_ONCE: i64 = 100;

/// Where a player plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// On which server.
    pub server: ServerId,
    /// Where to connect to.
    pub address: String,
    /// The queue that the match came from.
    pub queue: String,
    /// The team, from 0.
    pub team: u8,
    /// What the player does, where the queue has roles.
    pub role: Option<String>,
}

impl Servers {
    /// A match, running or over.
    pub async fn match_of(&self, match_id: MatchId) -> Result<Option<ServerMatchView>> {
        Ok(self.views(&[match_id.uuid()]).await?.pop())
    }

    /// A server's matches whose beginning or newest roster it has not acknowledged, the oldest first; 100 at most.
    pub async fn unacknowledged(&self, server: ServerId) -> Result<Vec<ServerMatchView>> {
        // Index server_matches_running.
        let ids = sqlx::query_scalar!(
            r#"
            SELECT match_id
            FROM play.server_matches
            WHERE server_id = $1 AND state <> 'ended' AND roster_known < roster
            ORDER BY created_at, match_id
            LIMIT $2
            "#,
            server.uuid(),
            AT_ONCE,
        )
        .fetch_all(&self.postgres)
        .await?;
        if ids.is_empty() { Ok(Vec::new()) } else { self.views(&ids).await }
    }

    /// Where a player is to connect to for a match. None: it is over, or not (or no more) this player's.
    pub async fn place_of(&self, player: PlayerId, match_id: MatchId) -> Result<Option<Place>> {
        // Primary keys of play.server_match_players and play.server_matches.
        let row = sqlx::query!(
            r#"
            SELECT m.server_id, m.address, m.queue, p.team, p.role
            FROM play.server_match_players p
            JOIN play.server_matches m USING (match_id)
            WHERE p.match_id = $1 AND p.player_id = $2 AND p.left_at IS NULL AND m.state <> 'ended'
            "#,
            match_id.uuid(),
            player.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(|row| Place {
            server: ServerId::from_uuid(row.server_id),
            address: row.address,
            queue: row.queue,
            team: team(row.team),
            role: row.role,
        }))
    }

    /// The match that a player is in.
    pub async fn running_of(&self, player: PlayerId) -> Result<Option<MatchId>> {
        // Index server_match_players_playing.
        let found = sqlx::query_scalar!(
            "SELECT match_id FROM play.server_match_players WHERE player_id = $1 AND left_at IS NULL LIMIT 1",
            player.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(found.map(MatchId::from_uuid))
    }

    async fn views(&self, ids: &[Uuid]) -> Result<Vec<ServerMatchView>> {
        let mut players = self.players_of(ids).await?;
        // Primary key of play.server_matches.
        let rows = sqlx::query!(
            r#"
            SELECT match_id, server_id, queue, region, ranked, quality, teams, roster, state, created_at, started_at, ended_at,
                reason, report
            FROM play.server_matches
            WHERE match_id = ANY($1)
            ORDER BY created_at, match_id
            "#,
            ids,
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let mut teams = vec![Vec::new(); usize::try_from(row.teams).unwrap_or_default()];
                for (team, player) in players.remove(&row.match_id).unwrap_or_default() {
                    if let Some(team) = teams.get_mut(usize::from(team)) {
                        team.push(player);
                    }
                }
                Ok(ServerMatchView {
                    match_id: MatchId::from_uuid(row.match_id),
                    server_id: ServerId::from_uuid(row.server_id),
                    queue: row.queue,
                    region: row.region,
                    ranked: row.ranked,
                    quality: row.quality,
                    state: state(&row.state)?,
                    roster: codec::small(row.roster),
                    teams,
                    created_at: row.created_at,
                    started_at: row.started_at,
                    ended_at: row.ended_at,
                    end: row.reason.map(|reason| end(&reason, row.report)).transpose()?,
                })
            })
            .collect()
    }

    async fn players_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<(u8, ServerMatchPlayer)>>> {
        // Primary key of play.server_match_players, by its first column.
        let rows = sqlx::query!(
            r#"
            SELECT match_id, player_id, team, role, joined_at, left_at, points_before, points_after
            FROM play.server_match_players
            WHERE match_id = ANY($1)
            ORDER BY match_id, team, player_id
            "#,
            ids,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut players: HashMap<Uuid, Vec<(u8, ServerMatchPlayer)>> = HashMap::new();
        for row in rows {
            let player = ServerMatchPlayer {
                player_id: PlayerId::from_uuid(row.player_id),
                role: row.role,
                joined_at: row.joined_at,
                left_at: row.left_at,
                points_before: row.points_before,
                points_after: row.points_after,
            };
            players.entry(row.match_id).or_default().push((team(row.team), player));
        }
        Ok(players)
    }
}

fn state(text: &str) -> Result<ServerMatchState> {
    match text {
        "allocated" => Ok(ServerMatchState::Allocated),
        "running" => Ok(ServerMatchState::Running),
        "ended" => Ok(ServerMatchState::Ended),
        other => Err(StoreError::corrupt("a server's match", format!("state `{other}`"))),
    }
}
