//! What the log of a match is made of.

use chrono::{DateTime, Utc};
use muster_core::game::{GameEvent, Mode};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use muster_core::time::millis;
use muster_core::wire::LoggedEvent;
use serde::{Deserialize, Serialize};

use super::snapshot::{LastSnapshot, lenient};
use crate::codec::{hex32, nonces};

/// An entry of a match's log. The events of all entries, in order, are the match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MatchLogEntry {
    /// The first entry: all that a referee needs to know, and all that the match's row is made of.
    Created {
        /// The match.
        match_id: MatchId,
        /// The queue that made it.
        queue: String,
        /// The mode it is played in.
        mode: Mode,
        /// Whether it moves ratings.
        ranked: bool,
        /// In seat order.
        players: [PlayerId; 2],
        /// What they are called, in seat order.
        names: [String; 2],
        /// How strong they were thought to be, in seat order.
        ratings: [Rating; 2],
        /// Tells every roll to come: it leaves the log only when the match is over.
        #[serde(with = "hex32")]
        seed: [u8; 32],
        /// What the players added to it, in seat order.
        #[serde(with = "nonces")]
        nonces: [Option<[u8; 32]>; 2],
        /// How even it was thought to be: 0 to 1.
        quality: f64,
        /// Where it is played; none when its queue has no regions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// When it was made.
        #[serde(with = "millis")]
        created_at: DateTime<Utc>,
        /// The opening.
        events: Vec<GameEvent>,
    },
    /// What followed from one command, or from a clock.
    Decided {
        /// Whose command; none when it was a clock or a connection.
        by: Option<PlayerId>,
        /// The client's id of the command: a command is obeyed once.
        command_id: Option<String>,
        /// What happened.
        events: Vec<GameEvent>,
        /// When.
        #[serde(with = "millis")]
        at: DateTime<Utc>,
        /// Where to begin to read; none: at the first entry.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
        snapshot: Option<LastSnapshot>,
    },
    /// The result is in the database: there is nothing left to do.
    Settled {
        /// When.
        #[serde(with = "millis")]
        at: DateTime<Utc>,
    },
}

impl MatchLogEntry {
    /// What happened.
    pub fn events(&self) -> &[GameEvent] {
        match self {
            Self::Created { events, .. } | Self::Decided { events, .. } => events,
            Self::Settled { .. } => &[],
        }
    }

    /// Where to begin to read instead of at the first entry, if this entry tells.
    pub fn snapshot(&self) -> Option<&LastSnapshot> {
        match self {
            Self::Decided { snapshot, .. } => snapshot.as_ref(),
            Self::Created { .. } | Self::Settled { .. } => None,
        }
    }

    /// When.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Created { created_at: at, .. } | Self::Decided { at, .. } | Self::Settled { at } => *at,
        }
    }
}

/// The events of a log from its beginning, numbered from 1: so everybody who counts gets the same numbers.
pub fn number_events<'a>(entries: impl IntoIterator<Item = &'a MatchLogEntry>) -> Vec<LoggedEvent> {
    let events = entries.into_iter().flat_map(|entry| entry.events().iter().map(|event| (entry.at(), event)));
    (1..).zip(events).map(|(seq, (at, event))| LoggedEvent { seq, at, event: event.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use muster_core::game::Seat;

    use super::*;

    fn created(events: Vec<GameEvent>) -> MatchLogEntry {
        let now = "2026-01-31T09:30:00.125Z".parse().unwrap();
        let players = [PlayerId::new(now, [1; 10]), PlayerId::new(now, [2; 10])];
        MatchLogEntry::Created {
            match_id: MatchId::new(now, [3; 10]),
            queue: "classic-ranked".to_owned(),
            mode: Mode::Classic,
            ranked: true,
            players,
            names: ["Ada".to_owned(), "Bo".to_owned()],
            ratings: [Rating::default(); 2],
            seed: [0xab; 32],
            nonces: [None, Some([0xcd; 32])],
            quality: 1.0,
            region: Some("eu-west".to_owned()),
            created_at: now,
            events,
        }
    }

    fn decided(events: Vec<GameEvent>, at: DateTime<Utc>, snapshot: Option<LastSnapshot>) -> MatchLogEntry {
        MatchLogEntry::Decided { by: None, command_id: None, events, at, snapshot }
    }

    #[test]
    fn survives_json_with_seed_and_nonces_as_hex() {
        let entry = created(vec![GameEvent::TurnBegan { seat: Seat::First }]);
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["seed"], "ab".repeat(32));
        assert_eq!(json["nonces"], serde_json::json!([null, "cd".repeat(32)]));
        assert_eq!(serde_json::from_value::<MatchLogEntry>(json).unwrap(), entry);
    }

    #[test]
    fn a_snapshot_that_is_not_understood_is_none() {
        let at = "2026-01-31T09:30:05Z".parse().unwrap();
        let entry = decided(vec![GameEvent::TurnBegan { seat: Seat::First }], at, Some(LastSnapshot::At(17)));
        let mut json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["snapshot"], serde_json::json!({ "at": 17 }));
        assert_eq!(serde_json::from_value::<MatchLogEntry>(json.clone()).unwrap(), entry);
        json["snapshot"] = serde_json::json!({ "here": { "of": "another version" } });
        let read: MatchLogEntry = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((read.snapshot(), read.events()), (None, entry.events()));
        json.as_object_mut().unwrap().remove("snapshot");
        assert_eq!(serde_json::from_value::<MatchLogEntry>(json).unwrap().snapshot(), None);
    }

    #[test]
    fn numbers_run_through_all_entries() {
        let at = "2026-01-31T09:30:05Z".parse().unwrap();
        let turn = |seat| GameEvent::TurnBegan { seat };
        let log = [
            created(vec![turn(Seat::First)]),
            decided(vec![], at, None),
            decided(vec![turn(Seat::Second), turn(Seat::First)], at, None),
            MatchLogEntry::Settled { at },
        ];
        let events = number_events(&log);
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(events[2].at, at);
        assert_eq!(events[2].event, turn(Seat::First));
    }
}
