//! The result of a match: everything that follows from it, in one transaction, once.

use chrono::{DateTime, Utc};
use muster_core::game::{Mode, Outcome, OutcomeKind, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::{Rating, Score, rate};
use muster_core::wire::{LoggedEvent, RatingChange};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::Matches;
use crate::{StoreError, codec};

/// How a match ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The match.
    pub match_id: MatchId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Published from now on.
    pub seed: [u8; 32],
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// All that happened, numbered from 1.
    pub events: Vec<LoggedEvent>,
}

/// What a settlement did.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// Whether the match had been settled before; then nothing changed, and this is what changed back then.
    pub already: bool,
    /// In seat order; before and after are equal when no rating moved.
    pub ratings: Vec<RatingChange>,
}

/// Why a match was not settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no row of this match.
    #[error("there is no match {0}")]
    UnknownMatch(MatchId),
    /// Nothing changed; try again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SettleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

type Result<T> = std::result::Result<T, SettleError>;

/// A player of the match, and their rating while it is locked.
struct Player {
    player_id: PlayerId,
    rating: Rating,
}

impl Matches {
    /// Finishes a match: state, outcome, seed, events, history, and in a ranked match both ratings. It happens once, however
    /// often and from however many places it is asked for. An abandoned match moves nobody's rating.
    pub async fn settle(&self, settlement: &Settlement) -> Result<Settled> {
        let match_id = settlement.match_id;
        let mut tx = self.postgres.begin().await?;
        // Whoever asks at the same time waits here, and then finds the match finished.
        let row = sqlx::query!(
            "SELECT mode, ranked, state FROM play.matches WHERE match_id = $1 FOR UPDATE",
            match_id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(SettleError::UnknownMatch(match_id))?;
        if row.state == "finished" {
            return Ok(Settled { already: true, ratings: changes_of(&mut tx, match_id).await? });
        }
        let mode: Mode = codec::parse("a match's mode", &row.mode)?;

        finish(&mut tx, settlement).await?;
        keep_events(&mut tx, settlement).await?;
        let score = if row.ranked { score(&settlement.outcome) } else { None };
        match score {
            Some(score) => move_ratings(&mut tx, settlement, mode, score).await?,
            None => keep_ratings(&mut tx, match_id).await?,
        }
        let ratings = changes_of(&mut tx, match_id).await?;
        // Last, because all matches of a mode meet on this row.
        count(&mut tx, mode).await?;
        tx.commit().await?;
        Ok(Settled { already: false, ratings })
    }
}

/// None when the outcome says nothing about who is stronger.
fn score(outcome: &Outcome) -> Option<Score> {
    match (outcome.kind, outcome.winner) {
        (OutcomeKind::Abandoned, _) | (_, None) => None,
        (_, Some(Seat::First)) => Some(Score::First),
        (_, Some(Seat::Second)) => Some(Score::Second),
    }
}

async fn finish(tx: &mut PgConnection, settlement: &Settlement) -> Result<()> {
    let version = settlement.events.last().map_or(0, |event| event.seq);
    sqlx::query!(
        r#"
        UPDATE play.matches
        SET state = 'finished', outcome = $2, seed = $3, ended_at = $4, version = $5
        WHERE match_id = $1
        "#,
        settlement.match_id.uuid(),
        codec::to_json_value(&settlement.outcome),
        settlement.seed.as_slice(),
        settlement.ended_at,
        codec::signed(version),
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep_events(tx: &mut PgConnection, settlement: &Settlement) -> Result<()> {
    let seqs: Vec<i64> = settlement.events.iter().map(|event| codec::signed(event.seq)).collect();
    let times: Vec<DateTime<Utc>> = settlement.events.iter().map(|event| event.at).collect();
    let events: Vec<serde_json::Value> =
        settlement.events.iter().map(|event| codec::to_json_value(&event.event)).collect();
    sqlx::query!(
        r#"
        INSERT INTO play.match_events (match_id, seq, at, event)
        SELECT $1, seq, at, event FROM unnest($2::bigint[], $3::timestamptz[], $4::jsonb[]) AS e (seq, at, event)
        "#,
        settlement.match_id.uuid(),
        &seqs,
        &times,
        &events,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves both ratings by what they are now (not by what they were when the match was made), and writes both into the history.
async fn move_ratings(
    tx: &mut Transaction<'_, Postgres>,
    settlement: &Settlement,
    mode: Mode,
    score: Score,
) -> Result<()> {
    let [first, second] = lock_ratings(tx, settlement.match_id, mode, settlement.ended_at).await?;
    let (after_first, after_second) = rate(first.rating, second.rating, score);
    let won = [score == Score::First, score == Score::Second];
    for ((seat, won), (player, after)) in (0i16..).zip(won).zip([(first, after_first), (second, after_second)]) {
        sqlx::query!(
            r#"
            UPDATE play.ratings
            SET points = $3, deviation = $4, matches = matches + 1, wins = wins + $5, updated_at = $6
            WHERE player_id = $1 AND mode = $2
            "#,
            player.player_id.uuid(),
            mode.as_str(),
            after.points,
            after.deviation,
            i32::from(won),
            settlement.ended_at,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            r#"
            UPDATE play.match_players
            SET points_before = $3, deviation_before = $4, points_after = $5, deviation_after = $6
            WHERE match_id = $1 AND seat = $2
            "#,
            settlement.match_id.uuid(),
            seat,
            player.rating.points,
            player.rating.deviation,
            after.points,
            after.deviation,
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Both players in seat order, their ratings locked until the transaction ends. The rows are made and locked in the order of
/// the players' ids, as every settlement does, so two of them never wait for each other.
async fn lock_ratings(tx: &mut PgConnection, match_id: MatchId, mode: Mode, now: DateTime<Utc>) -> Result<[Player; 2]> {
    let seats: Vec<Uuid> = sqlx::query_scalar!(
        "SELECT player_id FROM play.match_players WHERE match_id = $1 ORDER BY seat",
        match_id.uuid()
    )
    .fetch_all(&mut *tx)
    .await?;
    let start = Rating::default();
    sqlx::query!(
        r#"
        INSERT INTO play.ratings (player_id, mode, points, deviation, updated_at)
        SELECT player_id, $2, $3, $4, $5 FROM unnest($1::uuid[]) AS p (player_id) ORDER BY player_id
        ON CONFLICT DO NOTHING
        "#,
        &seats,
        mode.as_str(),
        start.points,
        start.deviation,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let locked = sqlx::query!(
        r#"
        SELECT player_id, points, deviation
        FROM play.ratings
        WHERE player_id = ANY($1) AND mode = $2
        ORDER BY player_id
        FOR UPDATE
        "#,
        &seats,
        mode.as_str(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let of = |seat: &Uuid| {
        locked.iter().find(|row| row.player_id == *seat).map(|row| Player {
            player_id: PlayerId::from_uuid(row.player_id),
            rating: Rating { points: row.points, deviation: row.deviation },
        })
    };
    let players: Vec<Player> = seats.iter().filter_map(of).collect();
    players.try_into().map_err(|players: Vec<_>| {
        StoreError::corrupt("a match", format!("{} players with a rating", players.len())).into()
    })
}

/// Nobody's rating moves: what it was is what it is.
async fn keep_ratings(tx: &mut PgConnection, match_id: MatchId) -> Result<()> {
    sqlx::query!(
        "UPDATE play.match_players SET points_after = points_before, deviation_after = deviation_before WHERE match_id = $1",
        match_id.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn changes_of(tx: &mut PgConnection, match_id: MatchId) -> Result<Vec<RatingChange>> {
    let rows = sqlx::query!(
        r#"
        SELECT player_id, points_before, coalesce(points_after, points_before) AS "points_after!"
        FROM play.match_players
        WHERE match_id = $1
        ORDER BY seat
        "#,
        match_id.uuid(),
    )
    .fetch_all(tx)
    .await?;
    let change = |player_id, before, after| RatingChange { player_id: PlayerId::from_uuid(player_id), before, after };
    Ok(rows.into_iter().map(|row| change(row.player_id, row.points_before, row.points_after)).collect())
}

async fn count(tx: &mut PgConnection, mode: Mode) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO play.match_totals AS t (mode, finished) VALUES ($1, 1)
        ON CONFLICT (mode) DO UPDATE SET finished = t.finished + 1
        "#,
        mode.as_str(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
