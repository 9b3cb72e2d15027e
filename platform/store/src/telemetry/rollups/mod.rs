//! What a batch adds to the rollups: a row for each key instead of one for each event.
//!
//! Made here and not by the database, which had a third of its work with it.

mod add;
mod measures;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use foldhash::fast::RandomState;
use uuid::Uuid;

use self::measures::Numbers;
use super::TelemetrySource;
use super::row::Row;
use crate::Result;

pub(super) use measures::Measures;
pub(crate) use measures::middle_of_bucket;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

type Map<K, V> = HashMap<K, V, RandomState>;

/// What is counted together: the beginning of a minute or an hour (seconds since 1970), a source and a kind.
type Key<'a> = (i64, TelemetrySource, &'a str);

/// What a batch adds.
#[derive(Default)]
pub(super) struct Rollups<'a> {
    minutes: Map<Key<'a>, i64>,
    player_days: HashSet<(NaiveDate, Uuid), RandomState>,
    sessions: Map<(Uuid, NaiveDate), Session>,
    measures: Map<(Key<'a>, &'a str), Numbers>,
}

/// The numbered events of a session on a day.
struct Session {
    numbered: i64,
    sequences: (i64, i64),
    times: (DateTime<Utc>, DateTime<Utc>),
}

impl<'a> Rollups<'a> {
    /// What rows that were new add.
    pub fn of(rows: &[&'a Row<'a>], measures: &'a Measures) -> Result<Self> {
        let mut rollups = Self::default();
        for row in rows {
            *rollups.minutes.entry((begin(row.at, MINUTE), row.source, &row.kind)).or_default() += 1;
            rollups.add_player(row);
            rollups.add_number_in_session(row);
            rollups.add_numbers(row, measures)?;
        }
        Ok(rollups)
    }

    fn add_player(&mut self, row: &Row<'_>) {
        if let Some(subject) = row.subject_id {
            self.player_days.insert((row.at.date_naive(), subject.uuid()));
        }
    }

    fn add_number_in_session(&mut self, row: &Row<'_>) {
        let (Some(session), Some(sequence)) = (row.session_id, row.sequence) else { return };
        let new = Session { numbered: 0, sequences: (sequence, sequence), times: (row.at, row.at) };
        let session = self.sessions.entry((session.uuid(), row.at.date_naive())).or_insert(new);
        session.numbered += 1;
        session.sequences = (session.sequences.0.min(sequence), session.sequences.1.max(sequence));
        session.times = (session.times.0.min(row.at), session.times.1.max(row.at));
    }

    fn add_numbers(&mut self, row: &'a Row<'a>, measures: &'a Measures) -> Result<()> {
        for (name, number) in measures.of(row)? {
            let key = ((begin(row.at, HOUR), row.source, &*row.kind), name);
            match self.measures.entry(key) {
                Entry::Vacant(place) => drop(place.insert(Numbers::first(number))),
                Entry::Occupied(known) => known.into_mut().add(number),
            }
        }
        Ok(())
    }
}

/// The beginning of the span of so many seconds that a moment is in.
fn begin(at: DateTime<Utc>, seconds: i64) -> i64 {
    at.timestamp().div_euclid(seconds) * seconds
}
