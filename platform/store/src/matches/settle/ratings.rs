//! What results do to ratings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muster_core::game::{Outcome, OutcomeKind, Seat};
use muster_core::id::PlayerId;
use muster_core::rating::{Rating, Score, rate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Open;
use crate::{Result, StoreError};

/// Ratings that are locked until the transaction ends, by player and mode.
type Locked = BTreeMap<(PlayerId, &'static str), Standing>;

/// What results have made of a rating.
struct Standing {
    rating: Rating,
    matches: i32,
    wins: i32,
    at: DateTime<Utc>,
}

/// Moves ratings by what they are now (not by what they were when a match was made), in the order of the matches, and writes
/// before and after into the history. Where nobody's rating moves, what it was is what it is.
pub(super) async fn move_all(tx: &mut PgConnection, open: &mut [Open<'_>]) -> Result<()> {
    let mut locked = lock(tx, open).await?;
    for open in open.iter_mut() {
        match score(open) {
            Some(score) => move_both(&mut locked, open, score)?,
            None => open.seats.iter_mut().for_each(|seat| seat.after = Some(seat.before)),
        }
    }
    keep(tx, &locked).await?;
    write_history(tx, open).await
}

/// None when the match says nothing about who is stronger.
fn score(open: &Open<'_>) -> Option<Score> {
    let Outcome { kind, winner, .. } = open.settlement.outcome;
    match (kind, winner) {
        _ if !open.ranked => None,
        (OutcomeKind::Abandoned, _) | (_, None) => None,
        (_, Some(Seat::First)) => Some(Score::First),
        (_, Some(Seat::Second)) => Some(Score::Second),
    }
}

fn move_both(locked: &mut Locked, open: &mut Open<'_>, score: Score) -> Result<()> {
    let [first, second] = open.seats.as_mut_slice() else {
        return Err(StoreError::corrupt("a match", format!("{} players", open.seats.len())));
    };
    let of = |player: PlayerId| {
        let standing = locked.get(&(player, open.mode.as_str())).map(|standing| standing.rating);
        standing.ok_or_else(|| StoreError::corrupt("a match", "a player without a rating"))
    };
    (first.before, second.before) = (of(first.player_id)?, of(second.player_id)?);
    let (after_first, after_second) = rate(first.before, second.before, score);
    for (seat, after, won) in
        [(first, after_first, score == Score::First), (second, after_second, score == Score::Second)]
    {
        seat.after = Some(after);
        if let Some(standing) = locked.get_mut(&(seat.player_id, open.mode.as_str())) {
            standing.rating = after;
            standing.matches += 1;
            standing.wins += i32::from(won);
            standing.at = standing.at.max(open.settlement.ended_at);
        }
    }
    Ok(())
}

/// The ratings of all players whose ratings move. Rows are made and locked in the order of players and modes, as every
/// settlement does, so two of them never wait for each other.
async fn lock(tx: &mut PgConnection, open: &[Open<'_>]) -> Result<Locked> {
    let mut wanted: BTreeMap<(PlayerId, &'static str), DateTime<Utc>> = BTreeMap::new();
    for open in open.iter().filter(|open| score(open).is_some()) {
        for seat in &open.seats {
            wanted.insert((seat.player_id, open.mode.as_str()), open.settlement.ended_at);
        }
    }
    if wanted.is_empty() {
        return Ok(Locked::new());
    }
    let players: Vec<Uuid> = wanted.keys().map(|(player, _)| player.uuid()).collect();
    let modes: Vec<&str> = wanted.keys().map(|(_, mode)| *mode).collect();
    let times: Vec<DateTime<Utc>> = wanted.values().copied().collect();
    let start = Rating::default();
    sqlx::query!(
        r#"
        INSERT INTO play.ratings (player_id, mode, points, deviation, updated_at)
        SELECT player_id, mode, $4, $5, at
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS w (player_id, mode, at)
        ORDER BY player_id, mode
        ON CONFLICT DO NOTHING
        "#,
        &players,
        &modes as &[&str],
        &times,
        start.points,
        start.deviation,
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        r#"
        SELECT r.player_id, r.mode, r.points, r.deviation
        FROM play.ratings r
        JOIN unnest($1::uuid[], $2::text[]) AS w (player_id, mode) USING (player_id, mode)
        ORDER BY r.player_id, r.mode
        FOR UPDATE OF r
        "#,
        &players,
        &modes as &[&str],
    )
    .fetch_all(tx)
    .await?;
    let mut locked = Locked::new();
    for ((player, mode), at) in wanted {
        let row = rows.iter().find(|row| row.player_id == player.uuid() && row.mode == mode);
        let row = row.ok_or_else(|| StoreError::corrupt("a rating", "it was made and is not there"))?;
        let rating = Rating { points: row.points, deviation: row.deviation };
        locked.insert((player, mode), Standing { rating, matches: 0, wins: 0, at });
    }
    Ok(locked)
}

async fn keep(tx: &mut PgConnection, locked: &Locked) -> Result<()> {
    if locked.is_empty() {
        return Ok(());
    }
    let players: Vec<Uuid> = locked.keys().map(|(player, _)| player.uuid()).collect();
    let modes: Vec<&str> = locked.keys().map(|(_, mode)| *mode).collect();
    let points: Vec<f64> = locked.values().map(|standing| standing.rating.points).collect();
    let deviations: Vec<f64> = locked.values().map(|standing| standing.rating.deviation).collect();
    let matches: Vec<i32> = locked.values().map(|standing| standing.matches).collect();
    let wins: Vec<i32> = locked.values().map(|standing| standing.wins).collect();
    let times: Vec<DateTime<Utc>> = locked.values().map(|standing| standing.at).collect();
    sqlx::query!(
        r#"
        UPDATE play.ratings r
        SET points = s.points, deviation = s.deviation, matches = r.matches + s.matches, wins = r.wins + s.wins,
            updated_at = s.at
        FROM unnest($1::uuid[], $2::text[], $3::float8[], $4::float8[], $5::int4[], $6::int4[], $7::timestamptz[])
            AS s (player_id, mode, points, deviation, matches, wins, at)
        WHERE r.player_id = s.player_id AND r.mode = s.mode
        "#,
        &players,
        &modes as &[&str],
        &points,
        &deviations,
        &matches,
        &wins,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_history(tx: &mut PgConnection, open: &[Open<'_>]) -> Result<()> {
    let seats = || open.iter().flat_map(|open| (0i16..).zip(&open.seats).map(move |(at, seat)| (open, at, seat)));
    let matches: Vec<Uuid> = seats().map(|(open, ..)| open.settlement.match_id.uuid()).collect();
    let numbers: Vec<i16> = seats().map(|(_, at, _)| at).collect();
    let before: Vec<f64> = seats().map(|(.., seat)| seat.before.points).collect();
    let deviation_before: Vec<f64> = seats().map(|(.., seat)| seat.before.deviation).collect();
    let after: Vec<f64> = seats().map(|(.., seat)| seat.after.unwrap_or(seat.before).points).collect();
    let deviation_after: Vec<f64> = seats().map(|(.., seat)| seat.after.unwrap_or(seat.before).deviation).collect();
    sqlx::query!(
        r#"
        UPDATE play.match_players p
        SET points_before = s.before, deviation_before = s.deviation_before, points_after = s.after,
            deviation_after = s.deviation_after
        FROM unnest($1::uuid[], $2::int2[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
            AS s (match_id, seat, before, deviation_before, after, deviation_after)
        WHERE p.match_id = s.match_id AND p.seat = s.seat
        "#,
        &matches,
        &numbers,
        &before,
        &deviation_before,
        &after,
        &deviation_after,
    )
    .execute(tx)
    .await?;
    Ok(())
}
