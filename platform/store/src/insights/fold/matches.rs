//! Matches, each once, and what they add to their days.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::names::Numbers;
use super::{Grain, place_of};
use crate::Result;
use crate::insights::facts::{Facts, MatchFact};
use crate::insights::sketch::{Sketch, bucket_of_ms};

/// Day, place, mode, queue, outcome.
type Key<'a> = (NaiveDate, i32, Option<&'a str>, Option<&'a str>, &'a str);

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
    let (mut regions, mut places): (BTreeMap<Key<'_>, Day>, BTreeMap<Key<'_>, Day>) = Default::default();
    for ((ended_at, _), fact) in facts.matches.iter().filter(|(key, _)| new.contains(key)) {
        let region = numbers.region_of(tx, &facts.places[fact.place]).await?;
        let (date, mode, queue) = (ended_at.date_naive(), fact.mode.as_deref(), fact.queue.as_deref());
        for (days, place) in [(&mut regions, region), (&mut places, numbers.places[fact.place])] {
            days.entry((date, place, mode, queue, &*fact.outcome)).or_default().count(fact);
        }
    }
    write(tx, Grain::Region, regions.into_iter().collect()).await?;
    write(tx, Grain::Place, places.into_iter().collect()).await
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

/// Adds to the days of one grain. Only whoever has the lock writes there, so what is read stays.
async fn write(tx: &mut PgConnection, grain: Grain, mut days: Vec<(Key<'_>, Day)>) -> Result<()> {
    if days.is_empty() {
        return Ok(());
    }
    let dates: Vec<NaiveDate> = days.iter().map(|(key, _)| key.0).collect();
    let places: Vec<i32> = days.iter().map(|(key, _)| key.1).collect();
    let modes: Vec<Option<&str>> = days.iter().map(|(key, _)| key.2).collect();
    let queues: Vec<Option<&str>> = days.iter().map(|(key, _)| key.3).collect();
    let outcomes: Vec<&str> = days.iter().map(|(key, _)| key.4).collect();
    macro_rules! write_into {
        ($table:literal) => {{
            let kept = sqlx::query!(
                r#"
                SELECT wanted.at AS "at!", d.durations AS "durations!", d.durations_packed AS "durations_packed!"
                FROM unnest($1::date[], $2::int[], $3::text[], $4::text[], $5::text[])
                     WITH ORDINALITY AS wanted (day, place, mode, queue, outcome, at)
                JOIN "# + $table + r#" d ON d.day = wanted.day AND d.place = wanted.place AND d.mode IS NOT DISTINCT FROM wanted.mode
                     AND d.queue IS NOT DISTINCT FROM wanted.queue AND d.outcome = wanted.outcome
                "#,
                &dates,
                &places,
                &modes as &[Option<&str>],
                &queues as &[Option<&str>],
                &outcomes as &[&str],
            )
            .fetch_all(&mut *tx)
            .await?;
            for row in kept {
                let durations = &mut days[place_of(row.at)].1.durations;
                durations.add(&Sketch::kept(row.durations));
                durations.add_packed(&row.durations_packed)?;
            }
            let column = |of: fn(&Day) -> i64| days.iter().map(|(_, day)| of(day)).collect::<Vec<i64>>();
            let durations: Vec<Vec<u8>> = days.iter().map(|(_, day)| day.durations.packed()).collect();
            sqlx::query!(
                "INSERT INTO " + $table + r#" AS d
                    (day, place, mode, queue, outcome, matches, first_wins, second_wins, timed, total_ms, durations, durations_packed)
                SELECT day, place, mode, queue, outcome, matches, first_wins, second_wins, timed, total_ms, '{}', durations
                FROM unnest($1::date[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                            $9::bigint[], $10::bigint[], $11::bytea[])
                     AS new (day, place, mode, queue, outcome, matches, first_wins, second_wins, timed, total_ms, durations)
                ON CONFLICT (day, place, mode, queue, outcome) DO UPDATE
                SET matches = d.matches + excluded.matches, first_wins = d.first_wins + excluded.first_wins,
                    second_wins = d.second_wins + excluded.second_wins, timed = d.timed + excluded.timed,
                    total_ms = d.total_ms + excluded.total_ms, durations = excluded.durations,
                    durations_packed = excluded.durations_packed
                "#,
                &dates,
                &places,
                &modes as &[Option<&str>],
                &queues as &[Option<&str>],
                &outcomes as &[&str],
                &column(|day| day.matches),
                &column(|day| day.first_wins),
                &column(|day| day.second_wins),
                &column(|day| day.timed),
                &column(|day| day.total_ms),
                &durations,
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
