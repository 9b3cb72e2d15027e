//! Numbers for places, kinds and players.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::insights::facts::{Facts, Place, day_of};
use crate::{Result, TelemetrySource};

/// How many places may be told apart that were named within [`LATELY`], and how many kinds. Clients name both, so there has to be an
/// end.
const MAX_PLACES: usize = 4_096;
const MAX_KINDS: i64 = 2_048;

/// A place that nobody has named for so many days gives its room back: no question goes further.
const LATELY: i32 = 92;

/// How many places are made on the word of one player in 30 days: as many regions, platforms and builds as one plays on, and more.
const OF_A_PLAYER: u32 = 16;
/// The same for places that are named, and nobody knows by whom.
const OF_NOBODY: u32 = 256;

/// Who names a place when it is nobody whom we know.
const NOBODY: i32 = 0;

/// What is not told apart any more.
const OTHER: i32 = 1;

/// On whose word a place is made, if it is new.
#[derive(Clone, Copy)]
pub(super) enum Word<'a> {
    /// The platform's own, or a trusted server's.
    Trusted,
    /// Of these players, or of nobody whom we know.
    Players(&'a [i32]),
}

/// The numbers of what a batch names, in the order of its lists.
pub(super) struct Numbers {
    pub places: Vec<i32>,
    pub kinds: Vec<i32>,
    pub players: Vec<i32>,
    known: HashMap<Place, i32>,
    named: HashMap<i32, Place>,
    /// How many places were named lately.
    in_use: usize,
    /// How many places were made on a player's word lately.
    made: HashMap<i32, u32>,
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
            in_use: 0,
            made: HashMap::new(),
        };
        let rows = sqlx::query!(
            r#"
            SELECT place, region, platform, build, used_on > CURRENT_DATE - $1::int AS "used!",
                   CASE WHEN made_on > CURRENT_DATE - 30 THEN made_by END AS made_by
            FROM insights.places
            "#,
            LATELY,
        );
        for row in rows.fetch_all(&mut *tx).await? {
            numbers.remember((row.region, row.platform, row.build), row.place);
            numbers.in_use += usize::from(row.used);
            if let Some(player) = row.made_by {
                *numbers.made.entry(player).or_default() += 1;
            }
        }
        let tellers = Tellers::of(facts, &numbers.players);
        for (place, named) in facts.places.iter().enumerate() {
            let number = match tellers.word(place) {
                Some(word) => numbers.place(tx, named, word).await?,
                None => OTHER,
            };
            numbers.places.push(number);
        }
        sqlx::query!(
            "UPDATE insights.places SET used_on = CURRENT_DATE WHERE place = ANY($1) AND used_on < CURRENT_DATE",
            &numbers.places,
        )
        .execute(tx)
        .await?;
        Ok(numbers)
    }

    fn remember(&mut self, place: Place, number: i32) {
        self.known.insert(place.clone(), number);
        self.named.insert(number, place);
    }

    /// The number of a place, made if it has none and there is room for it.
    pub async fn place(&mut self, tx: &mut PgConnection, place: &Place, word: Word<'_>) -> Result<i32> {
        if let Some(number) = self.known.get(place) {
            return Ok(*number);
        }
        if self.in_use >= MAX_PLACES {
            return Ok(OTHER);
        }
        let made_by = match word {
            Word::Trusted => None,
            Word::Players(players) => match self.makes(players) {
                Some(player) => Some(player),
                None => return Ok(OTHER),
            },
        };
        // Nobody else makes any: whoever folds has the lock.
        let number = sqlx::query_scalar!(
            r#"
            INSERT INTO insights.places (place, region, platform, build, made_by)
            SELECT max(place) + 1, $1, $2, $3, $4 FROM insights.places
            RETURNING place
            "#,
            place.0.as_deref(),
            place.1.as_deref(),
            place.2.as_deref(),
            made_by,
        )
        .fetch_one(tx)
        .await?;
        self.in_use += 1;
        if let Some(player) = made_by {
            *self.made.entry(player).or_default() += 1;
        }
        self.remember(place.clone(), number);
        Ok(number)
    }

    /// Of these players the one who has made the fewest places lately; None when that were enough.
    fn makes(&self, players: &[i32]) -> Option<i32> {
        let made = |player: &i32| self.made.get(player).copied().unwrap_or_default();
        let player = players.iter().min_by_key(|player| made(player)).copied().unwrap_or(NOBODY);
        let most = if player == NOBODY { OF_NOBODY } else { OF_A_PLAYER };
        (made(&player) < most).then_some(player)
    }

    /// The number of the same region, whatever the platform and build. Matchmaking tells of regions that it knows.
    pub async fn region_of(&mut self, tx: &mut PgConnection, place: &Place) -> Result<i32> {
        self.place(tx, &(place.0.clone(), None, None), Word::Trusted).await
    }

    /// What a number stands for.
    pub fn named(&self, number: i32) -> Option<&Place> {
        self.named.get(&number)
    }
}

/// Who named the places of a batch.
struct Tellers {
    players: Vec<Vec<i32>>,
    trusted: Vec<bool>,
    /// Whether there is anything of it: what a session was thought to be of in between is in the list too.
    counts: Vec<bool>,
}

impl Tellers {
    /// Also what the platform says of tickets and matches is their players' word: platforms and builds are what their clients named.
    fn of(facts: &Facts, numbers: &[i32]) -> Self {
        let mut players = vec![Vec::new(); facts.places.len()];
        for ((_, _, place, subject), _) in &facts.marks {
            players[*place].push(numbers[*subject]);
        }
        for (_, session) in &facts.sessions {
            players[session.place].extend(session.subject.map(|subject| numbers[subject]));
        }
        let mut trusted = vec![false; facts.places.len()];
        let mut counts = vec![false; facts.places.len()];
        for ((_, _, place, source), _) in &facts.counts {
            trusted[*place] |= *source == TelemetrySource::Trusted;
            counts[*place] = true;
        }
        let sessions = facts.sessions.iter().map(|(_, session)| session.place);
        let matches = facts.matches.iter().map(|(_, fact)| fact.place);
        for place in sessions.chain(matches).chain(facts.tickets.iter().map(|ticket| ticket.place)) {
            counts[place] = true;
        }
        Self { players, trusted, counts }
    }

    /// On whose word it is; None when nothing is of it.
    fn word(&self, place: usize) -> Option<Word<'_>> {
        let word = if self.trusted[place] { Word::Trusted } else { Word::Players(&self.players[place]) };
        self.counts[place].then_some(word)
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
