//! Days in few rows: all players of a day, kind and place in one value. What has come since is in rows of its own, and read with it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::Insights;
use super::fold::LOCK;
use crate::{Result, StoreError};

/// A player's number and their first and last event of a kind on a day, in milliseconds after midnight.
pub(super) type Mark = (u32, u32, u32);

/// Of a kind on a day that is not over, so many rows may be loose before they are packed: at least, and as a part of what is packed.
/// Reading a loose row costs tens of times as much as one of a pack; with an eighth, each is written about nine times on its day.
const LOOSE: (i64, i64) = (4_096, 8);

impl Insights {
    /// Packs what is known of the days before `before`, and what has come late for packed ones; of later days, the kinds of which much is
    /// loose. Says how many rows became part of a pack. Give it yesterday, every few minutes: packing a kind of a day costs as much as it
    /// is large, and nothing when nothing came. Does nothing while somebody else folds or packs.
    pub async fn pack(&self, before: NaiveDate) -> Result<u64> {
        let (at_least, part) = LOOSE;
        // Primary keys of both.
        let days = sqlx::query!(
            r#"
            SELECT day, kind_no FROM insights.day_marks m
            GROUP BY day, kind_no
            HAVING day < $1 OR count(*) >= greatest($2, (
                -- 4 bytes a player.
                SELECT sum(octet_length(players)) / 4 / $3
                FROM insights.day_packs p WHERE p.day = m.day AND p.kind_no = m.kind_no
            ))
            "#,
            before,
            at_least,
            part,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut packed = 0;
        // A transaction each: folding waits for none of them for long.
        for row in days {
            let mut tx = self.postgres.begin().await?;
            let mine = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "mine!""#, LOCK);
            if !mine.fetch_one(&mut *tx).await? {
                return Ok(packed);
            }
            packed += pack_kind(&mut tx, row.day, row.kind_no).await?;
            tx.commit().await?;
        }
        Ok(packed)
    }
}

/// Packs a kind of a day.
async fn pack_kind(tx: &mut PgConnection, day: NaiveDate, kind: i32) -> Result<u64> {
    // Primary keys of both.
    let marks = sqlx::query!(
        "DELETE FROM insights.day_marks WHERE day = $1 AND kind_no = $2 RETURNING place, player, first_ms, last_ms",
        day,
        kind,
    )
    .fetch_all(&mut *tx)
    .await?;
    let loose = marks.len() as u64;
    let mut places: BTreeMap<i32, Vec<Mark>> = BTreeMap::new();
    for mark in marks {
        let mark_of = (unsigned(mark.player), unsigned(mark.first_ms), unsigned(mark.last_ms));
        places.entry(mark.place).or_default().push(mark_of);
    }
    let touched: Vec<i32> = places.keys().copied().collect();
    let packs = sqlx::query!(
        "SELECT place, players, times FROM insights.day_packs WHERE day = $1 AND kind_no = $2 AND place = ANY($3)",
        day,
        kind,
        &touched,
    )
    .fetch_all(&mut *tx)
    .await?;
    for pack in packs {
        places.entry(pack.place).or_default().extend(unpacked(&pack.players, &pack.times)?);
    }
    for (place, mut marks) in places {
        merge(&mut marks);
        let (players, times) = packed(&marks);
        sqlx::query!(
            r#"
            INSERT INTO insights.day_packs (day, kind_no, place, players, times)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (day, kind_no, place) DO UPDATE SET players = excluded.players, times = excluded.times
            "#,
            day,
            kind,
            place,
            players,
            times,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(loose)
}

/// In the order of players, one of each, with the earliest and the latest of all their times.
pub(super) fn merge(marks: &mut Vec<Mark>) {
    marks.sort_unstable();
    marks.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.2 = kept.2.max(later.2);
        }
        same
    });
}

fn packed(marks: &[Mark]) -> (Vec<u8>, Vec<u8>) {
    let players = marks.iter().flat_map(|mark| mark.0.to_le_bytes()).collect();
    let times = marks.iter().flat_map(|mark| [mark.1.to_le_bytes(), mark.2.to_le_bytes()].concat()).collect();
    (players, times)
}

/// The marks of a pack.
pub(super) fn unpacked<'a>(players: &'a [u8], times: &'a [u8]) -> Result<impl Iterator<Item = Mark> + 'a> {
    let (players, rest) = players.as_chunks::<4>();
    let (times, beyond) = times.as_chunks::<8>();
    if !rest.is_empty() || !beyond.is_empty() || players.len() != times.len() {
        return Err(StoreError::corrupt("a pack of players", "its parts are not as long as each other"));
    }
    Ok(players.iter().zip(times).map(|(player, [a, b, c, d, e, f, g, h])| {
        (u32::from_le_bytes(*player), u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]))
    }))
}

pub(super) fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_holds_each_player_once_and_comes_back() {
        let mut marks = vec![(7, 50, 60), (3, 10, 20), (7, 40, 45), (7, 70, 90), (u32::MAX, 0, 86_399_999)];
        merge(&mut marks);
        assert_eq!(marks, [(3, 10, 20), (7, 40, 90), (u32::MAX, 0, 86_399_999)]);
        let (players, times) = packed(&marks);
        assert_eq!((players.len(), times.len()), (12, 24));
        assert!(unpacked(&players, &times).unwrap().eq(marks));
        assert!(unpacked(&players, &times[..16]).is_err());
        assert!(unpacked(&players[..11], &times).is_err());
    }
}
