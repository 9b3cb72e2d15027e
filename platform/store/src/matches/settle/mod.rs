//! The result of a match: everything that follows from it, in one transaction, once. Many that end at about the same time share
//! the transaction: what it costs is mostly its round trips and its commit.

mod columns;
mod ratings;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use muster_core::game::{Mode, Outcome};
use muster_core::id::{MatchId, PlayerId, SubjectId};
use muster_core::rating::Rating;
use muster_core::wire::{LoggedEvent, RatingChange};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Matches;
use crate::{StoreError, codec};
use columns::{EventColumns, ResultColumns};

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
    /// What telemetry calls the players, in seat order; none of whom there is no account any more.
    pub subjects: Vec<Option<SubjectId>>,
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

/// A match that is being settled, its row locked.
struct Open<'a> {
    settlement: &'a Settlement,
    mode: Mode,
    ranked: bool,
    seats: Vec<Seated>,
}

/// A player of a match.
struct Seated {
    player_id: PlayerId,
    subject_id: Option<SubjectId>,
    before: Rating,
    /// None while the match is not settled.
    after: Option<Rating>,
}

impl Matches {
    /// Settles one match; see [`Matches::settle_many`].
    pub async fn settle(&self, settlement: &Settlement) -> Result<Settled, SettleError> {
        let settled = self.settle_many(std::slice::from_ref(settlement)).await?;
        settled.into_iter().next().flatten().ok_or(SettleError::UnknownMatch(settlement.match_id))
    }

    /// Finishes matches: state, outcome, seed, events, history, and in ranked matches both ratings. It happens once for each,
    /// however often and from however many places it is asked for, and for all or none of those given. An abandoned match moves
    /// nobody's rating. Answers in the order given; none for a match that has no row.
    pub async fn settle_many(&self, settlements: &[Settlement]) -> crate::Result<Vec<Option<Settled>>> {
        let mut tx = self.postgres.begin().await?;
        let (mut open, mut settled) = lock(&mut tx, settlements).await?;
        if !open.is_empty() {
            finish(&mut tx, &open).await?;
            keep_events(&mut tx, &open).await?;
            ratings::move_all(&mut tx, &mut open).await?;
            // Last, because all matches of a mode meet on one row.
            count(&mut tx, &open).await?;
            tx.commit().await?;
        }
        settled.extend(open.iter().map(|open| (open.settlement.match_id, outcome(false, &open.seats))));
        let mut told = HashSet::new();
        let answer = |settlement: &Settlement| {
            let mut settled = settled.get(&settlement.match_id).cloned()?;
            // Given twice, it is settled once.
            settled.already |= !told.insert(settlement.match_id);
            Some(settled)
        };
        Ok(settlements.iter().map(answer).collect())
    }
}

fn outcome(already: bool, seats: &[Seated]) -> Settled {
    let change = |seat: &Seated| RatingChange {
        player_id: seat.player_id,
        before: seat.before.points,
        after: seat.after.unwrap_or(seat.before).points,
    };
    Settled {
        already,
        ratings: seats.iter().map(change).collect(),
        subjects: seats.iter().map(|seat| seat.subject_id).collect(),
    }
}

/// The matches that are not settled yet, locked in the order of their ids, and what became of those that are. Whoever settles one
/// of them at the same time waits here, and then finds it finished.
async fn lock<'a>(
    tx: &mut PgConnection,
    settlements: &'a [Settlement],
) -> crate::Result<(Vec<Open<'a>>, HashMap<MatchId, Settled>)> {
    let ids: Vec<Uuid> = settlements.iter().map(|settlement| settlement.match_id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT match_id, mode, ranked, state FROM play.matches WHERE match_id = ANY($1) ORDER BY match_id FOR UPDATE",
        &ids
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut seats = seats_of(tx, &ids).await?;
    let (mut open, mut settled) = (Vec::new(), HashMap::new());
    for row in rows {
        let match_id = MatchId::from_uuid(row.match_id);
        let seats = seats.remove(&match_id).unwrap_or_default();
        if row.state == "finished" {
            settled.insert(match_id, outcome(true, &seats));
        } else if let Some(settlement) = settlements.iter().find(|settlement| settlement.match_id == match_id) {
            let mode = codec::parse("a match's mode", &row.mode)?;
            open.push(Open { settlement, mode, ranked: row.ranked, seats });
        }
    }
    Ok((open, settled))
}

/// The players of each match, in seat order.
async fn seats_of(tx: &mut PgConnection, matches: &[Uuid]) -> crate::Result<HashMap<MatchId, Vec<Seated>>> {
    let rows = sqlx::query!(
        r#"
        SELECT p.match_id, p.player_id, p.points_before, p.deviation_before, p.points_after, p.deviation_after,
            s.subject_id AS "subject_id?"
        FROM play.match_players p LEFT JOIN player.subjects s USING (player_id)
        WHERE p.match_id = ANY($1)
        ORDER BY p.match_id, p.seat
        "#,
        matches,
    )
    .fetch_all(tx)
    .await?;
    let mut seats: HashMap<MatchId, Vec<Seated>> = HashMap::new();
    for row in rows {
        let after = row.points_after.zip(row.deviation_after);
        seats.entry(MatchId::from_uuid(row.match_id)).or_default().push(Seated {
            player_id: PlayerId::from_uuid(row.player_id),
            subject_id: row.subject_id.map(SubjectId::from_uuid),
            before: Rating { points: row.points_before, deviation: row.deviation_before },
            after: after.map(|(points, deviation)| Rating { points, deviation }),
        });
    }
    Ok(seats)
}

async fn finish(tx: &mut PgConnection, open: &[Open<'_>]) -> crate::Result<()> {
    let results = ResultColumns::of(open);
    sqlx::query!(
        r#"
        UPDATE play.matches m
        SET state = 'finished', outcome = r.outcome, seed = r.seed, ended_at = r.ended_at, version = r.version
        FROM unnest($1::uuid[], $2::jsonb[], $3::bytea[], $4::timestamptz[], $5::bigint[])
            AS r (match_id, outcome, seed, ended_at, version)
        WHERE m.match_id = r.match_id
        "#,
        &results.matches,
        &results.outcomes,
        &results.seeds as &[&[u8]],
        &results.ended_ats,
        &results.versions,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep_events(tx: &mut PgConnection, open: &[Open<'_>]) -> crate::Result<()> {
    let events = EventColumns::of(open);
    sqlx::query!(
        r#"
        INSERT INTO play.match_events (match_id, seq, at, event)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::jsonb[])
        "#,
        &events.matches,
        &events.seqs,
        &events.times,
        &events.events,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn count(tx: &mut PgConnection, open: &[Open<'_>]) -> crate::Result<()> {
    let mut finished: BTreeMap<&'static str, i64> = BTreeMap::new();
    for open in open {
        *finished.entry(open.mode.as_str()).or_default() += 1;
    }
    // In the order of the modes, as every settlement does, so that two of them never wait for each other.
    let (modes, counts): (Vec<&str>, Vec<i64>) = finished.into_iter().unzip();
    sqlx::query!(
        r#"
        INSERT INTO play.match_totals AS t (mode, finished)
        SELECT * FROM unnest($1::text[], $2::bigint[])
        ON CONFLICT (mode) DO UPDATE SET finished = t.finished + excluded.finished
        "#,
        &modes as &[&str],
        &counts,
    )
    .execute(tx)
    .await?;
    Ok(())
}
