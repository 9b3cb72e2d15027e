//! Which player had which kind of event on a day, first and last.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::names::Numbers;
use crate::Result;
use crate::insights::facts::{Facts, day_of};

/// Rows of one statement: its arrays stay below a few megabytes.
const AT_ONCE: usize = 50_000;

pub(super) async fn add(tx: &mut PgConnection, facts: &Facts, numbers: &Numbers) -> Result<()> {
    let mut marks: BTreeMap<(NaiveDate, i32, i32, i32), (i32, i32)> = BTreeMap::new();
    for ((day, kind, place, subject), (first, last)) in &facts.marks {
        let key = (day_of(*day), numbers.kinds[*kind], numbers.places[*place], numbers.players[*subject]);
        let (first, last) = (of_day(*first), of_day(*last));
        let mark = marks.entry(key).or_insert((first, last));
        *mark = (mark.0.min(first), mark.1.max(last));
    }
    let marks: Vec<_> = marks.into_iter().collect();
    for marks in marks.chunks(AT_ONCE) {
        let days: Vec<NaiveDate> = marks.iter().map(|(key, _)| key.0).collect();
        let kinds: Vec<i32> = marks.iter().map(|(key, _)| key.1).collect();
        let places: Vec<i32> = marks.iter().map(|(key, _)| key.2).collect();
        let players: Vec<i32> = marks.iter().map(|(key, _)| key.3).collect();
        let firsts: Vec<i32> = marks.iter().map(|(_, times)| times.0).collect();
        let lasts: Vec<i32> = marks.iter().map(|(_, times)| times.1).collect();
        // Primary key of day_marks. What adds nothing is not written again.
        sqlx::query!(
            r#"
            INSERT INTO insights.day_marks AS m (day, kind_no, place, player, first_ms, last_ms)
            SELECT * FROM unnest($1::date[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[])
            ON CONFLICT (day, kind_no, place, player) DO UPDATE
            SET first_ms = least(m.first_ms, excluded.first_ms), last_ms = greatest(m.last_ms, excluded.last_ms)
            WHERE m.first_ms > excluded.first_ms OR m.last_ms < excluded.last_ms
            "#,
            &days,
            &kinds,
            &places,
            &players,
            &firsts,
            &lasts,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Milliseconds after midnight; a leap second is the last of its day.
fn of_day(ms: u32) -> i32 {
    i32::try_from(ms.min(86_399_999)).unwrap_or_default()
}
