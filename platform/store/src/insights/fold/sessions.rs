//! Sessions, and what they add to their days and hours: what a session counted for before is taken back when more of it is heard.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::names::{Numbers, Word};
use crate::insights::facts::{Facts, hour_of, joined};
use crate::insights::sketch::{Sketch, bucket_of_ms};
use crate::{Result, codec};

type Key = (DateTime<Utc>, Uuid);

/// A session as it is kept.
#[derive(Clone, Copy)]
struct Session {
    player: Option<i32>,
    place: i32,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    events: i64,
    errors: i64,
    disconnects: i64,
}

/// What sessions of a day and place add up to.
#[derive(Default)]
struct Day {
    sessions: i64,
    total_ms: i64,
    errors: i64,
    disconnects: i64,
    with_error: i64,
    with_disconnect: i64,
    lengths: Sketch,
}

#[derive(Default)]
struct Changes {
    days: BTreeMap<(NaiveDate, i32), Day>,
    hours: BTreeMap<(DateTime<Utc>, i32), i64>,
}

pub(super) async fn add(tx: &mut PgConnection, facts: &Facts, numbers: &mut Numbers) -> Result<()> {
    if facts.sessions.is_empty() {
        return Ok(());
    }
    let known = known(tx, facts).await?;
    let mut changes = Changes::default();
    let mut sessions: Vec<(Key, Session)> = Vec::with_capacity(facts.sessions.len());
    for (key, fact) in &facts.sessions {
        let mut session = Session {
            player: fact.subject.map(|subject| numbers.players[subject]),
            place: numbers.places[fact.place],
            started_at: fact.started_at,
            ended_at: fact.ended_at,
            events: codec::signed(fact.events),
            errors: codec::signed(fact.errors),
            disconnects: codec::signed(fact.disconnects),
        };
        if let Some(before) = known.get(key) {
            changes.count(before, -1);
            session = merged(tx, before, &session, numbers).await?;
        }
        changes.count(&session, 1);
        sessions.push((*key, session));
    }
    write(tx, &sessions).await?;
    changes.write(tx).await
}

async fn merged(tx: &mut PgConnection, one: &Session, other: &Session, numbers: &mut Numbers) -> Result<Session> {
    let place = match (numbers.named(one.place), numbers.named(other.place)) {
        (Some(mine), Some(theirs)) if one.place != other.place => {
            let both = joined(mine, theirs);
            let player = one.player.or(other.player);
            numbers.place(tx, &both, Word::Players(player.as_slice())).await?
        }
        _ => one.place,
    };
    Ok(Session {
        player: one.player.or(other.player),
        place,
        started_at: one.started_at.min(other.started_at),
        ended_at: one.ended_at.max(other.ended_at),
        events: one.events + other.events,
        errors: one.errors + other.errors,
        disconnects: one.disconnects + other.disconnects,
    })
}

async fn known(tx: &mut PgConnection, facts: &Facts) -> Result<HashMap<Key, Session>> {
    let opened: Vec<DateTime<Utc>> = facts.sessions.iter().map(|(key, _)| key.0).collect();
    let ids: Vec<Uuid> = facts.sessions.iter().map(|(key, _)| key.1).collect();
    // Index sessions_once. The bounds leave out all chunks but theirs.
    let rows = sqlx::query!(
        r#"
        SELECT s.opened_at, s.session_id, player, place, started_at, ended_at, events, errors, disconnects
        FROM insights.sessions s
        JOIN unnest($1::timestamptz[], $2::uuid[]) AS wanted (opened_at, session_id)
            ON s.opened_at = wanted.opened_at AND s.session_id = wanted.session_id
        WHERE s.opened_at >= $3 AND s.opened_at <= $4
        "#,
        &opened,
        &ids,
        opened.iter().min().copied().unwrap_or_default(),
        opened.iter().max().copied().unwrap_or_default(),
    )
    .fetch_all(tx)
    .await?;
    let kept = rows.into_iter().map(|row| {
        let session = Session {
            player: row.player,
            place: row.place,
            started_at: row.started_at,
            ended_at: row.ended_at,
            events: row.events,
            errors: row.errors,
            disconnects: row.disconnects,
        };
        ((row.opened_at, row.session_id), session)
    });
    Ok(kept.collect())
}

async fn write(tx: &mut PgConnection, sessions: &[(Key, Session)]) -> Result<()> {
    let column = |of: fn(&Session) -> i64| sessions.iter().map(|(_, session)| of(session)).collect::<Vec<i64>>();
    let opened: Vec<DateTime<Utc>> = sessions.iter().map(|(key, _)| key.0).collect();
    let ids: Vec<Uuid> = sessions.iter().map(|(key, _)| key.1).collect();
    let players: Vec<Option<i32>> = sessions.iter().map(|(_, session)| session.player).collect();
    let places: Vec<i32> = sessions.iter().map(|(_, session)| session.place).collect();
    let started: Vec<DateTime<Utc>> = sessions.iter().map(|(_, session)| session.started_at).collect();
    let ended: Vec<DateTime<Utc>> = sessions.iter().map(|(_, session)| session.ended_at).collect();
    // Index sessions_once.
    sqlx::query!(
        r#"
        INSERT INTO insights.sessions (opened_at, session_id, player, place, started_at, ended_at, events, errors, disconnects)
        SELECT *
        FROM unnest($1::timestamptz[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[],
                    $7::bigint[], $8::bigint[], $9::bigint[])
        ON CONFLICT (session_id, opened_at) DO UPDATE
        SET player = excluded.player, place = excluded.place, started_at = excluded.started_at, ended_at = excluded.ended_at,
            events = excluded.events, errors = excluded.errors, disconnects = excluded.disconnects
        "#,
        &opened,
        &ids,
        &players as &[Option<i32>],
        &places,
        &started,
        &ended,
        &column(|session| session.events),
        &column(|session| session.errors),
        &column(|session| session.disconnects),
    )
    .execute(tx)
    .await?;
    Ok(())
}

impl Changes {
    fn count(&mut self, session: &Session, change: i64) {
        let length = (session.ended_at - session.started_at).num_milliseconds();
        let day = self.days.entry((session.started_at.date_naive(), session.place)).or_default();
        day.sessions += change;
        day.total_ms += change * length;
        day.errors += change * session.errors;
        day.disconnects += change * session.disconnects;
        day.with_error += change * i64::from(session.errors > 0);
        day.with_disconnect += change * i64::from(session.disconnects > 0);
        day.lengths.count(bucket_of_ms(length), change);
        let mut hour = hour_of(session.started_at);
        while hour < session.ended_at {
            let next = hour + TimeDelta::hours(1);
            let active = session.ended_at.min(next) - session.started_at.max(hour);
            *self.hours.entry((hour, session.place)).or_default() += change * active.num_milliseconds();
            hour = next;
        }
    }

    async fn write(mut self, tx: &mut PgConnection) -> Result<()> {
        let days: Vec<NaiveDate> = self.days.keys().map(|key| key.0).collect();
        let places: Vec<i32> = self.days.keys().map(|key| key.1).collect();
        // Primary key of session_days. Only whoever has the lock writes here, so what is read stays.
        let kept = sqlx::query!(
            r#"
            SELECT d.day, d.place, lengths
            FROM insights.session_days d
            JOIN unnest($1::date[], $2::int[]) AS wanted (day, place) ON d.day = wanted.day AND d.place = wanted.place
            "#,
            &days,
            &places,
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in kept {
            if let Some(day) = self.days.get_mut(&(row.day, row.place)) {
                day.lengths.add(&Sketch::kept(row.lengths));
            }
        }
        for ((date, place), day) in &self.days {
            sqlx::query!(
                r#"
                INSERT INTO insights.session_days AS d
                    (day, place, sessions, total_ms, errors, disconnects, with_error, with_disconnect, lengths)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (day, place) DO UPDATE
                SET sessions = d.sessions + excluded.sessions, total_ms = d.total_ms + excluded.total_ms,
                    errors = d.errors + excluded.errors, disconnects = d.disconnects + excluded.disconnects,
                    with_error = d.with_error + excluded.with_error,
                    with_disconnect = d.with_disconnect + excluded.with_disconnect, lengths = excluded.lengths
                "#,
                date,
                place,
                day.sessions,
                day.total_ms,
                day.errors,
                day.disconnects,
                day.with_error,
                day.with_disconnect,
                day.lengths.counts(),
            )
            .execute(&mut *tx)
            .await?;
        }
        let hours: Vec<((DateTime<Utc>, i32), i64)> = self.hours.into_iter().filter(|(_, ms)| *ms != 0).collect();
        sqlx::query!(
            r#"
            INSERT INTO insights.session_hours AS h (hour, place, active_ms)
            SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::bigint[])
            ON CONFLICT (hour, place) DO UPDATE SET active_ms = h.active_ms + excluded.active_ms
            "#,
            &hours.iter().map(|(key, _)| key.0).collect::<Vec<_>>(),
            &hours.iter().map(|(key, _)| key.1).collect::<Vec<_>>(),
            &hours.iter().map(|(_, ms)| *ms).collect::<Vec<_>>(),
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
