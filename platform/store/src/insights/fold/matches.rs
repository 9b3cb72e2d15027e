//! Matches, each once, and what they add to their days.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Grain;
use super::names::Numbers;
use crate::Result;
use crate::insights::facts::{Facts, MatchFact};
use crate::insights::sketch::{Sketch, bucket_of_ms};

/// Grain, day, place, mode, queue, outcome.
type Key<'a> = (Grain, NaiveDate, i32, Option<&'a str>, Option<&'a str>, &'a str);

#[derive(Default)]
struct Day {
    matches: i64,
    first_wins: i64,
    second_wins: i64,
    timed: i64,
    total_ms: i64,
    durations: Sketch,
}

pub(super) async fn add(tx: &mut PgConnection, facts: &Facts, numbers: &mut Numbers) -> Result<()> {
    if facts.matches.is_empty() {
        return Ok(());
    }
    let new = insert(tx, facts, numbers).await?;
    let mut days: BTreeMap<Key<'_>, Day> = BTreeMap::new();
    for ((ended_at, _), fact) in facts.matches.iter().filter(|(key, _)| new.contains(key)) {
        let region = numbers.region_of(tx, &facts.places[fact.place]).await?;
        let (date, mode, queue) = (ended_at.date_naive(), fact.mode.as_deref(), fact.queue.as_deref());
        for (grain, place) in [(Grain::Region, region), (Grain::Place, numbers.places[fact.place])] {
            days.entry((grain, date, place, mode, queue, &*fact.outcome)).or_default().count(fact);
        }
    }
    for (key, day) in days {
        write(tx, key, day).await?;
    }
    Ok(())
}

impl Day {
    fn count(&mut self, fact: &MatchFact) {
        self.matches += 1;
        self.first_wins += i64::from(fact.first_won == Some(true));
        self.second_wins += i64::from(fact.first_won == Some(false));
        if let Some(ms) = fact.duration_ms {
            self.timed += 1;
            self.total_ms += ms;
            self.durations.count(bucket_of_ms(ms), 1);
        }
    }
}

/// Those that were not known before.
async fn insert(tx: &mut PgConnection, facts: &Facts, numbers: &Numbers) -> Result<HashSet<(DateTime<Utc>, Uuid)>> {
    let matches = &facts.matches;
    let ended: Vec<DateTime<Utc>> = matches.iter().map(|(key, _)| key.0).collect();
    let ids: Vec<Uuid> = matches.iter().map(|(key, _)| key.1).collect();
    let modes: Vec<Option<&str>> = matches.iter().map(|(_, fact)| fact.mode.as_deref()).collect();
    let queues: Vec<Option<&str>> = matches.iter().map(|(_, fact)| fact.queue.as_deref()).collect();
    let places: Vec<i32> = matches.iter().map(|(_, fact)| numbers.places[fact.place]).collect();
    let outcomes: Vec<&str> = matches.iter().map(|(_, fact)| &*fact.outcome).collect();
    let durations: Vec<Option<i64>> = matches.iter().map(|(_, fact)| fact.duration_ms).collect();
    let first_won: Vec<Option<bool>> = matches.iter().map(|(_, fact)| fact.first_won).collect();
    // Index matches_once.
    let new = sqlx::query!(
        r#"
        INSERT INTO insights.matches (ended_at, match_id, mode, queue, place, outcome, duration_ms, first_won)
        SELECT *
        FROM unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::bool[])
        ON CONFLICT (match_id, ended_at) DO NOTHING
        RETURNING ended_at, match_id
        "#,
        &ended,
        &ids,
        &modes as &[Option<&str>],
        &queues as &[Option<&str>],
        &places,
        &outcomes as &[&str],
        &durations as &[Option<i64>],
        &first_won as &[Option<bool>],
    )
    .fetch_all(tx)
    .await?;
    Ok(new.into_iter().map(|row| (row.ended_at, row.match_id)).collect())
}

async fn write(tx: &mut PgConnection, key: Key<'_>, mut day: Day) -> Result<()> {
    let (grain, date, place, mode, queue, outcome) = key;
    macro_rules! write_into {
        ($table:literal) => {{
            let kept = sqlx::query_scalar!(
                "SELECT durations FROM " + $table + r#"
                WHERE day = $1 AND place = $2 AND mode IS NOT DISTINCT FROM $3 AND queue IS NOT DISTINCT FROM $4 AND outcome = $5
                "#,
                date,
                place,
                mode,
                queue,
                outcome,
            )
            .fetch_optional(&mut *tx)
            .await?;
            day.durations.add(&Sketch::kept(kept.unwrap_or_default()));
            sqlx::query!(
                "INSERT INTO " + $table + r#" AS d
                    (day, place, mode, queue, outcome, matches, first_wins, second_wins, timed, total_ms, durations)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                ON CONFLICT (day, place, mode, queue, outcome) DO UPDATE
                SET matches = d.matches + excluded.matches, first_wins = d.first_wins + excluded.first_wins,
                    second_wins = d.second_wins + excluded.second_wins, timed = d.timed + excluded.timed,
                    total_ms = d.total_ms + excluded.total_ms, durations = excluded.durations
                "#,
                date,
                place,
                mode,
                queue,
                outcome,
                day.matches,
                day.first_wins,
                day.second_wins,
                day.timed,
                day.total_ms,
                day.durations.counts(),
            )
            .execute(tx)
            .await?;
        }};
    }
    // The unique indexes of both.
    match grain {
        Grain::Region => write_into!("insights.match_days"),
        Grain::Place => write_into!("insights.match_slices"),
    }
    Ok(())
}
