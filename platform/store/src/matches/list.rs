//! One match, or a page of them.

use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};

use super::record::Row;
use super::{MatchCursor, MatchRecord, Matches};
use crate::{Result, codec};

/// Which matches to list; everything by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatchFilter {
    /// Only finished ones, or only running ones.
    pub finished: Option<bool>,
    /// Only this mode.
    pub mode: Option<Mode>,
    /// Only this player's.
    pub player: Option<PlayerId>,
}

/// Some matches, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchPage {
    /// The matches.
    pub matches: Vec<MatchRecord>,
    /// Whether there are more after the last of them.
    pub has_next: bool,
}

/// The longest page.
const MAX_PAGE: u32 = 200;

impl Matches {
    /// One match.
    pub async fn get(&self, match_id: MatchId) -> Result<Option<MatchRecord>> {
        // Primary keys of play.matches and play.match_players.
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT m.match_id, m.queue, m.mode, m.ranked, m.state = 'finished' AS "finished!", m.commitment, m.seed, m.quality,
                   m.created_at, m.ended_at, m.outcome, m.version, p.player_ids AS "player_ids!",
                   p.display_names AS "display_names!", p.points_before AS "points_before!",
                   p.points_after AS "points_after!: Vec<Option<f64>>"
            FROM play.matches m
            CROSS JOIN LATERAL (
                SELECT array_agg(player_id ORDER BY seat) AS player_ids, array_agg(display_name ORDER BY seat) AS display_names,
                       array_agg(points_before ORDER BY seat) AS points_before,
                       array_agg(points_after ORDER BY seat) AS points_after
                FROM play.match_players
                WHERE match_id = m.match_id
            ) p
            WHERE m.match_id = $1
            "#,
            match_id.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(MatchRecord::try_from).transpose()
    }

    /// A page of matches, newest first; `first` is 1 to 200.
    pub async fn list(&self, filter: &MatchFilter, after: Option<&MatchCursor>, first: u32) -> Result<MatchPage> {
        let first = first.clamp(1, MAX_PAGE);
        // Index matches_newest, matches_of_mode with a mode, match_players_player with a player.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT m.match_id, m.queue, m.mode, m.ranked, m.state = 'finished' AS "finished!", m.commitment, m.seed, m.quality,
                   m.created_at, m.ended_at, m.outcome, m.version, p.player_ids AS "player_ids!",
                   p.display_names AS "display_names!", p.points_before AS "points_before!",
                   p.points_after AS "points_after!: Vec<Option<f64>>"
            FROM play.matches m
            CROSS JOIN LATERAL (
                SELECT array_agg(player_id ORDER BY seat) AS player_ids, array_agg(display_name ORDER BY seat) AS display_names,
                       array_agg(points_before ORDER BY seat) AS points_before,
                       array_agg(points_after ORDER BY seat) AS points_after
                FROM play.match_players
                WHERE match_id = m.match_id
            ) p
            WHERE ($1::text IS NULL OR m.state = $1)
              AND ($2::text IS NULL OR m.mode = $2)
              AND ($3::uuid IS NULL OR EXISTS (
                  SELECT FROM play.match_players mine WHERE mine.player_id = $3 AND mine.match_id = m.match_id))
              AND ($4::timestamptz IS NULL OR (m.created_at, m.match_id) < ($4, $5::uuid))
            ORDER BY m.created_at DESC, m.match_id DESC
            LIMIT $6
            "#,
            filter.finished.map(state),
            filter.mode.map(Mode::as_str),
            filter.player.map(PlayerId::uuid),
            after.map(|after| after.created_at),
            after.map(|after| after.match_id.uuid()),
            i64::from(first) + 1,
        )
        .fetch_all(&self.postgres)
        .await?;
        let has_next = rows.len() > first as usize;
        let matches = rows.into_iter().take(first as usize).map(MatchRecord::try_from).collect::<Result<_>>()?;
        Ok(MatchPage { matches, has_next })
    }

    /// How many matches there are.
    pub async fn count(&self, filter: &MatchFilter) -> Result<u64> {
        let MatchFilter { finished, mode, player } = *filter;
        if let Some(player) = player {
            return self.count_of_player(player, finished, mode).await;
        }
        let finished_count = if finished == Some(false) { 0 } else { self.count_finished(mode).await? };
        let running_count = if finished == Some(true) { 0 } else { self.count_running(mode).await? };
        Ok(finished_count + running_count)
    }

    /// From the totals, which `settle` keeps: the table itself grows without end.
    async fn count_finished(&self, mode: Option<Mode>) -> Result<u64> {
        let count = sqlx::query_scalar!(
            r#"
            SELECT coalesce(sum(finished), 0)::bigint AS "count!"
            FROM play.match_totals
            WHERE $1::text IS NULL OR mode = $1
            "#,
            mode.map(Mode::as_str),
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(codec::count(count))
    }

    async fn count_running(&self, mode: Option<Mode>) -> Result<u64> {
        // Index matches_running, as small as what it counts.
        let count = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM play.matches
            WHERE state = 'running' AND ($1::text IS NULL OR mode = $1)
            "#,
            mode.map(Mode::as_str),
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(codec::count(count))
    }

    async fn count_of_player(&self, player: PlayerId, finished: Option<bool>, mode: Option<Mode>) -> Result<u64> {
        // Index match_players_player.
        let count = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM play.match_players p
            JOIN play.matches m USING (match_id)
            WHERE p.player_id = $1 AND ($2::text IS NULL OR m.state = $2) AND ($3::text IS NULL OR m.mode = $3)
            "#,
            player.uuid(),
            finished.map(state),
            mode.map(Mode::as_str),
        )
        .fetch_one(&self.postgres)
        .await?;
        Ok(codec::count(count))
    }
}

fn state(finished: bool) -> &'static str {
    if finished { "finished" } else { "running" }
}
