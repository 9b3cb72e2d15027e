//! Numbers for places, kinds and players.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::insights::facts::{Facts, Place, day_of};

/// How many places and kinds may be told apart. Clients name both, so there has to be an end.
const MAX_PLACES: i64 = 4_096;
const MAX_KINDS: i64 = 2_048;

/// What is not told apart any more.
const OTHER: i32 = 1;

/// The numbers of what a batch names, in the order of its lists.
pub(super) struct Numbers {
    pub places: Vec<i32>,
    pub kinds: Vec<i32>,
    pub players: Vec<i32>,
    known: HashMap<Place, i32>,
    named: HashMap<i32, Place>,
}

impl Numbers {
    /// Finds them, and makes those that are missing.
    pub async fn of(tx: &mut PgConnection, facts: &Facts) -> Result<Self> {
        let mut numbers = Self {
            places: Vec::new(),
            kinds: kinds(tx, &facts.kinds).await?,
            players: players(tx, facts).await?,
            known: HashMap::new(),
            named: HashMap::new(),
        };
        for row in
            sqlx::query!("SELECT place, region, platform, build FROM insights.places").fetch_all(&mut *tx).await?
        {
            numbers.remember((row.region, row.platform, row.build), row.place);
        }
        for place in &facts.places {
            let number = numbers.place(tx, place).await?;
            numbers.places.push(number);
        }
        Ok(numbers)
    }

    fn remember(&mut self, place: Place, number: i32) {
        self.known.insert(place.clone(), number);
        self.named.insert(number, place);
    }

    /// The number of a place, made if it has none.
    pub async fn place(&mut self, tx: &mut PgConnection, place: &Place) -> Result<i32> {
        if let Some(number) = self.known.get(place) {
            return Ok(*number);
        }
        // Nobody else makes any: whoever folds has the lock.
        let made = sqlx::query_scalar!(
            r#"
            INSERT INTO insights.places (place, region, platform, build)
            SELECT max(place) + 1, $1, $2, $3 FROM insights.places HAVING count(*) < $4
            RETURNING place
            "#,
            place.0.as_deref(),
            place.1.as_deref(),
            place.2.as_deref(),
            MAX_PLACES,
        )
        .fetch_optional(tx)
        .await?;
        if let Some(number) = made {
            self.remember(place.clone(), number);
        }
        Ok(made.unwrap_or(OTHER))
    }

    /// The number of the same region, whatever the platform and build.
    pub async fn region_of(&mut self, tx: &mut PgConnection, place: &Place) -> Result<i32> {
        self.place(tx, &(place.0.clone(), None, None)).await
    }

    /// What a number stands for.
    pub fn named(&self, number: i32) -> Option<&Place> {
        self.named.get(&number)
    }
}

async fn kinds(tx: &mut PgConnection, kinds: &[String]) -> Result<Vec<i32>> {
    // Primary key and the unique index of kinds.
    sqlx::query!(
        r#"
        INSERT INTO insights.kinds (kind_no, kind)
        SELECT kind_no, kind
        FROM (
            SELECT (SELECT max(kind_no) FROM insights.kinds) + row_number() OVER (ORDER BY kind) AS kind_no, kind
            FROM unnest($1::text[]) AS kind
            WHERE kind NOT IN (SELECT kind FROM insights.kinds)
        ) AS fresh
        WHERE kind_no < $2
        "#,
        kinds,
        MAX_KINDS,
    )
    .execute(&mut *tx)
    .await?;
    let numbers = sqlx::query_scalar!(
        r#"
        SELECT coalesce(k.kind_no, 1) AS "kind_no!"
        FROM unnest($1::text[]) WITH ORDINALITY AS wanted (kind, place)
        LEFT JOIN insights.kinds k USING (kind)
        ORDER BY wanted.place
        "#,
        kinds,
    )
    .fetch_all(tx)
    .await?;
    Ok(numbers)
}

/// Makes players that are new, and lets a first day be earlier than was known.
async fn players(tx: &mut PgConnection, facts: &Facts) -> Result<Vec<i32>> {
    if facts.subjects.is_empty() {
        return Ok(Vec::new());
    }
    let mut firsts = vec![i32::MAX; facts.subjects.len()];
    for ((day, _, _, subject), _) in &facts.marks {
        firsts[*subject] = firsts[*subject].min(*day);
    }
    let firsts: Vec<NaiveDate> = firsts.into_iter().map(day_of).collect();
    let subjects: &[Uuid] = &facts.subjects;
    // Unique index of players by subject; made by whoever has the lock, so an anti-join is enough and no number is wasted.
    sqlx::query!(
        r#"
        INSERT INTO insights.players (subject_id, first_day)
        SELECT wanted.subject_id, wanted.first_day
        FROM unnest($1::uuid[], $2::date[]) AS wanted (subject_id, first_day)
        WHERE NOT EXISTS (SELECT FROM insights.players p WHERE p.subject_id = wanted.subject_id)
        "#,
        subjects,
        &firsts,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"
        UPDATE insights.players p
        SET first_day = wanted.first_day
        FROM unnest($1::uuid[], $2::date[]) AS wanted (subject_id, first_day)
        WHERE p.subject_id = wanted.subject_id AND p.first_day > wanted.first_day
        "#,
        subjects,
        &firsts,
    )
    .execute(&mut *tx)
    .await?;
    let players = sqlx::query_scalar!(
        r#"
        SELECT p.player
        FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (subject_id, place)
        JOIN insights.players p USING (subject_id)
        ORDER BY wanted.place
        "#,
        subjects,
    )
    .fetch_all(tx)
    .await?;
    Ok(players)
}
