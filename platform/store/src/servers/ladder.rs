//! What a result does to the ratings of its queue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muster_core::rating::{RankedTeam, Rating, rate_teams};
use muster_core::wire::TeamResult;
use sqlx::PgConnection;
use uuid::Uuid;

use super::end::Locked;
use crate::{Result, StoreError};

/// Moves the ratings of everybody who played, by what they are now, and writes before and after into the history. Nobody's moves
/// when there are less than two teams, or one of them has nobody who played.
pub(super) async fn settle(
    tx: &mut PgConnection,
    locked: &Locked,
    teams: &[TeamResult],
    now: DateTime<Utc>,
) -> Result<()> {
    if teams.len() < 2 || teams.iter().any(|team| team.players.is_empty()) {
        return Ok(());
    }
    let mut before = lock(tx, &locked.queue, teams, now).await?;
    let ranked = teams
        .iter()
        .map(|team| {
            let players = team.players.iter().map(|player| {
                let rating = before.get(&player.uuid()).copied();
                rating.ok_or_else(|| StoreError::corrupt("a rating", "it was made and is not there"))
            });
            Ok(RankedTeam { players: players.collect::<Result<_>>()?, rank: team.rank })
        })
        .collect::<Result<Vec<_>>>()?;
    let after = rate_teams(&ranked);
    let best = teams.iter().map(|team| team.rank).min().unwrap_or_default();
    let alone = teams.iter().filter(|team| team.rank == best).count() == 1;
    let mut moved = Moved::default();
    for (team, ratings) in teams.iter().zip(after) {
        for (player, after) in team.players.iter().zip(ratings) {
            let before = before.remove(&player.uuid()).unwrap_or_default();
            moved.push(player.uuid(), before, after, alone && team.rank == best);
        }
    }
    keep(tx, locked, &moved, now).await
}

/// The ratings of these players, made where they are not there, and locked in the order of the players, as every result does: two of
/// them never wait for each other.
async fn lock(
    tx: &mut PgConnection,
    queue: &str,
    teams: &[TeamResult],
    now: DateTime<Utc>,
) -> Result<BTreeMap<Uuid, Rating>> {
    let mut players: Vec<Uuid> = teams.iter().flat_map(|team| &team.players).map(|player| player.uuid()).collect();
    players.sort_unstable();
    let start = Rating::default();
    sqlx::query!(
        r#"
        INSERT INTO play.queue_ratings (player_id, queue, points, deviation, updated_at)
        SELECT player_id, $2, $3, $4, $5
        FROM unnest($1::uuid[]) AS w (player_id)
        ORDER BY player_id
        ON CONFLICT DO NOTHING
        "#,
        &players,
        queue,
        start.points,
        start.deviation,
        now,
    )
    .execute(&mut *tx)
    .await?;
    // Primary key of play.queue_ratings.
    let rows = sqlx::query!(
        r#"
        SELECT player_id, points, deviation
        FROM play.queue_ratings
        WHERE queue = $2 AND player_id = ANY($1)
        ORDER BY player_id
        FOR UPDATE
        "#,
        &players,
        queue,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.player_id, Rating { points: row.points, deviation: row.deviation })).collect())
}

/// Players and what became of their ratings, column by column.
#[derive(Default)]
struct Moved {
    players: Vec<Uuid>,
    before: Vec<f64>,
    deviation_before: Vec<f64>,
    after: Vec<f64>,
    deviation_after: Vec<f64>,
    won: Vec<i32>,
}

impl Moved {
    fn push(&mut self, player: Uuid, before: Rating, after: Rating, won: bool) {
        self.players.push(player);
        self.before.push(before.points);
        self.deviation_before.push(before.deviation);
        self.after.push(after.points);
        self.deviation_after.push(after.deviation);
        self.won.push(i32::from(won));
    }
}

async fn keep(tx: &mut PgConnection, locked: &Locked, moved: &Moved, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE play.queue_ratings r
        SET points = s.points, deviation = s.deviation, matches = r.matches + 1, wins = r.wins + s.won, updated_at = $6
        FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::int4[]) AS s (player_id, points, deviation, won)
        WHERE r.player_id = s.player_id AND r.queue = $5
        "#,
        &moved.players,
        &moved.after,
        &moved.deviation_after,
        &moved.won,
        locked.queue,
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"
        UPDATE play.server_match_players p
        SET points_before = s.before, deviation_before = s.deviation_before, points_after = s.after,
            deviation_after = s.deviation_after
        FROM unnest($2::uuid[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
            AS s (player_id, before, deviation_before, after, deviation_after)
        WHERE p.match_id = $1 AND p.player_id = s.player_id
        "#,
        locked.match_id.uuid(),
        &moved.players,
        &moved.before,
        &moved.deviation_before,
        &moved.after,
        &moved.deviation_after,
    )
    .execute(tx)
    .await?;
    Ok(())
}
