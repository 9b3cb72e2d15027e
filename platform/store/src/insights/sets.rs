//! Which players had events of some kinds on some days: read from packs and from what is not packed yet, at one moment.

use chrono::NaiveDate;
use sqlx::{Acquire, PgConnection};

use super::pack::{Mark, unpacked, unsigned};
use super::places::Places;
use super::range::Days;
use crate::Result;

/// The players of a day, kind and place.
pub(super) struct DaySet {
    pub day: NaiveDate,
    pub place: i32,
    /// As [`Places`] counts groups.
    pub group: usize,
    /// In no order; a player may be in several sets of a day.
    pub players: Vec<u32>,
}

/// The same with times.
pub(super) struct TimedSet {
    pub day: NaiveDate,
    pub kind: i32,
    pub group: usize,
    pub marks: Vec<Mark>,
}

/// Who had an event of a kind on these days. In the order of days.
pub(super) async fn players(
    postgres: &mut PgConnection,
    days: Days,
    kind: i32,
    places: &Places,
) -> Result<Vec<DaySet>> {
    let mut tx = snapshot(postgres).await?;
    // Primary keys of both.
    let packs = sqlx::query!(
        r#"
        SELECT day, place, players FROM insights.day_packs
        WHERE day BETWEEN $1 AND $2 AND kind_no = $3 AND ($4::int[] IS NULL OR place = ANY($4))
        "#,
        days.from(),
        days.to(),
        kind,
        places.numbers(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let loose = sqlx::query!(
        r#"
        SELECT day, place, array_agg(player) AS "players!" FROM insights.day_marks
        WHERE day BETWEEN $1 AND $2 AND kind_no = $3 AND ($4::int[] IS NULL OR place = ANY($4))
        GROUP BY day, place
        "#,
        days.from(),
        days.to(),
        kind,
        places.numbers(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let numbers = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let set = |day, place, players| DaySet { day, place, group: places.group_of(place), players };
    let packed = packs.into_iter().map(|row| set(row.day, row.place, numbers(&row.players)));
    let loose = loose.into_iter().map(|row| set(row.day, row.place, row.players.into_iter().map(unsigned).collect()));
    let mut sets: Vec<DaySet> = packed.chain(loose).collect();
    sets.sort_by_key(|set| set.day);
    Ok(sets)
}

/// Who had events of some kinds on these days, and when. In the order of days.
pub(super) async fn marks(
    postgres: &mut PgConnection,
    days: Days,
    kinds: &[i32],
    places: &Places,
) -> Result<Vec<TimedSet>> {
    let mut tx = snapshot(postgres).await?;
    // Primary keys of both.
    let packs = sqlx::query!(
        r#"
        SELECT day, kind_no, place, players, times FROM insights.day_packs
        WHERE day BETWEEN $1 AND $2 AND kind_no = ANY($3) AND ($4::int[] IS NULL OR place = ANY($4))
        "#,
        days.from(),
        days.to(),
        kinds,
        places.numbers(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let loose = sqlx::query!(
        r#"
        SELECT day, kind_no, place, array_agg(player) AS "players!", array_agg(first_ms) AS "firsts!", array_agg(last_ms) AS "lasts!"
        FROM insights.day_marks
        WHERE day BETWEEN $1 AND $2 AND kind_no = ANY($3) AND ($4::int[] IS NULL OR place = ANY($4))
        GROUP BY day, kind_no, place
        "#,
        days.from(),
        days.to(),
        kinds,
        places.numbers(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let set = |day, kind, place, marks| TimedSet { day, kind, group: places.group_of(place), marks };
    let mut sets = Vec::with_capacity(packs.len() + loose.len());
    for row in packs {
        sets.push(set(row.day, row.kind_no, row.place, unpacked(&row.players, &row.times)?.collect()));
    }
    for row in loose {
        let marks = row.players.into_iter().zip(row.firsts.into_iter().zip(row.lasts));
        let marks = marks.map(|(player, (first, last))| (unsigned(player), unsigned(first), unsigned(last))).collect();
        sets.push(set(row.day, row.kind_no, row.place, marks));
    }
    sets.sort_by_key(|set| set.day);
    Ok(sets)
}

/// Packing moves rows from one table to the other: both have to be read as they were at one moment.
async fn snapshot(postgres: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    let mut tx = postgres.begin().await?;
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await?;
    Ok(tx)
}
