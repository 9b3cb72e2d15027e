//! What a batch of events brings, made small: a line for each session, player and kind instead of one for each event.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use muster_core::game::Seat;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::seen::{MATCH_ENDED, MatchProperties, SeenEvent, TICKET_ENDED, TicketProperties, is_disconnect, is_error};
use crate::TelemetrySource;

/// Any event at all, where a kind is meant; no kind may be called so.
pub(super) const ANY_KIND: &str = "*";

/// Region, platform and build, as far as they are known.
pub(super) type Place = (Option<String>, Option<String>, Option<String>);

/// Facts as they wait to be folded. Places, kinds and subjects are named by where they stand in their lists.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    pub places: Vec<Place>,
    pub kinds: Vec<String>,
    pub subjects: Vec<Uuid>,
    pub sessions: Vec<((DateTime<Utc>, Uuid), SessionFact)>,
    pub marks: Vec<(MarkKey, (u32, u32))>,
    pub counts: Vec<(CountKey, u64)>,
    pub matches: Vec<((DateTime<Utc>, Uuid), MatchFact)>,
    pub tickets: Vec<TicketFact>,
}

/// Day (from year 1), kind, place, subject.
pub(super) type MarkKey = (i32, usize, usize, usize);

/// Day, kind, place, source.
pub(super) type CountKey = (i32, usize, usize, TelemetrySource);

/// What is known of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionFact {
    pub subject: Option<usize>,
    pub place: usize,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub events: u64,
    pub errors: u64,
    pub disconnects: u64,
}

/// What is known of a match that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MatchFact {
    pub mode: Option<String>,
    pub queue: Option<String>,
    pub place: usize,
    pub outcome: String,
    pub duration_ms: Option<i64>,
    pub first_won: Option<bool>,
}

/// How a ticket ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TicketFact {
    pub hour: DateTime<Utc>,
    pub queue: String,
    pub place: usize,
    pub outcome: String,
    pub players: i64,
    pub wait_ms: Option<i64>,
    pub quality: Option<f64>,
}

/// Things by where they stand in a list.
struct Names<T> {
    list: Vec<T>,
    places: HashMap<T, usize, foldhash::fast::RandomState>,
}

impl<T: Clone + Eq + Hash> Names<T> {
    fn new() -> Self {
        Self { list: Vec::new(), places: HashMap::default() }
    }

    fn of<Q: Hash + Eq + ?Sized>(&mut self, name: &Q, own: impl FnOnce() -> T) -> usize
    where
        T: std::borrow::Borrow<Q>,
    {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let name = own();
        self.list.push(name.clone());
        self.places.insert(name, self.list.len() - 1);
        self.list.len() - 1
    }
}

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Facts while they are gathered.
pub(super) struct Gathered {
    places: Names<Place>,
    kinds: Names<String>,
    subjects: Names<Uuid>,
    sessions: Map<(DateTime<Utc>, Uuid), SessionFact>,
    marks: Map<MarkKey, (u32, u32)>,
    counts: Map<CountKey, u64>,
    matches: Map<(DateTime<Utc>, Uuid), MatchFact>,
    tickets: Vec<TicketFact>,
    last_place: Option<usize>,
}

impl Gathered {
    pub fn new() -> Self {
        Self {
            places: Names::new(),
            kinds: Names::new(),
            subjects: Names::new(),
            sessions: Map::default(),
            marks: Map::default(),
            counts: Map::default(),
            matches: Map::default(),
            tickets: Vec::new(),
            last_place: None,
        }
    }

    pub fn add(&mut self, event: &SeenEvent<'_>) {
        let place = self.place_of(event);
        let name = bounded(event.kind);
        let kind = self.kinds.of(name, || name.to_owned());
        let any = self.kinds.of(ANY_KIND, || ANY_KIND.to_owned());
        let day = event.at.num_days_from_ce();
        let ms = event.at.num_seconds_from_midnight() * 1_000 + event.at.timestamp_subsec_millis().min(999);
        *self.counts.entry((day, kind, place, event.source)).or_default() += 1;
        let subject = event.subject_id.map(|id| self.subjects.of(&id.uuid(), || id.uuid()));
        if let Some(subject) = subject {
            for kind in [kind, any] {
                self.mark((day, kind, place, subject), (ms, ms));
            }
        }
        if let Some(session_id) = event.session_id {
            let fact = SessionFact {
                subject,
                place,
                started_at: event.at,
                ended_at: event.at,
                events: 1,
                errors: is_error(event.kind).into(),
                disconnects: is_disconnect(event.kind).into(),
            };
            self.session((opened_at(session_id.uuid(), event.at), session_id.uuid()), fact);
        }
        if event.source == TelemetrySource::Server {
            match event.kind {
                TICKET_ENDED => self.ticket(event, place),
                MATCH_ENDED => self.match_end(event),
                _ => {}
            }
        }
    }

    fn place_of(&mut self, event: &SeenEvent<'_>) -> usize {
        self.place(event.region, event.platform, event.build)
    }

    fn place(&mut self, region: Option<&str>, platform: Option<&str>, build: Option<&str>) -> usize {
        let wanted = (region.map(bounded), platform.map(bounded), build.map(bounded));
        let is = |place: &Place| (place.0.as_deref(), place.1.as_deref(), place.2.as_deref()) == wanted;
        // Neighbours come from the same place, mostly.
        if let Some(last) = self.last_place.filter(|last| is(&self.places.list[*last])) {
            return last;
        }
        let own = |text: Option<&str>| text.map(str::to_owned);
        let place = (own(wanted.0), own(wanted.1), own(wanted.2));
        let place = self.places.of(&place, || place.clone());
        self.last_place = Some(place);
        place
    }

    fn mark(&mut self, key: MarkKey, (first, last): (u32, u32)) {
        let mark = self.marks.entry(key).or_insert((first, last));
        *mark = (mark.0.min(first), mark.1.max(last));
    }

    fn session(&mut self, key: (DateTime<Utc>, Uuid), fact: SessionFact) {
        let Some(known) = self.sessions.get_mut(&key) else {
            self.sessions.insert(key, fact);
            return;
        };
        let places = &mut self.places;
        known.merge(&fact, |one, other| merge_places(places, one, other));
    }

    fn ticket(&mut self, event: &SeenEvent<'_>, place: usize) {
        let Some(queue) = event.queue else { return };
        let told: TicketProperties = serde_json::from_str(&event.properties).unwrap_or_default();
        self.tickets.push(TicketFact {
            hour: hour_of(event.at),
            queue: queue.to_owned(),
            place,
            outcome: told.outcome.unwrap_or_default(),
            players: told.party_size.map_or(1, |size| size as i64).clamp(1, 1_000),
            wait_ms: told.wait_ms.map(|ms| ms as i64),
            quality: told.quality.filter(|quality| (0.0..=1.0).contains(quality)),
        });
    }

    fn match_end(&mut self, event: &SeenEvent<'_>) {
        let Some(match_id) = event.match_id else { return };
        let told: MatchProperties = serde_json::from_str(&event.properties).unwrap_or_default();
        // All players' events of a match say the same of it; of seats, only the first one's is read, so it counts once.
        let first = Seat::First.as_str();
        if told.seat.as_deref().is_some_and(|seat| seat != first) {
            return;
        }
        let platform = told.match_platform.as_deref().or(event.platform);
        let place = self.place(event.region, platform, told.match_build.as_deref().or(event.build));
        let outcome = told.outcome.unwrap_or_else(|| "unknown".to_owned());
        let decided = told.seat.is_some() && outcome != "abandoned";
        let fact = MatchFact {
            mode: event.mode.map(|mode| mode.as_str().to_owned()),
            queue: event.queue.map(str::to_owned),
            place,
            outcome,
            duration_ms: told.duration_ms.map(|ms| ms as i64).filter(|ms| *ms >= 0),
            first_won: told.won.filter(|_| decided),
        };
        self.matches.entry((event.at, match_id.uuid())).or_insert(fact);
    }

    /// What another batch brought.
    pub fn absorb(&mut self, facts: Facts) {
        let places: Vec<usize> =
            facts.places.into_iter().map(|place| self.places.of(&place, || place.clone())).collect();
        let kinds: Vec<usize> = facts.kinds.into_iter().map(|kind| self.kinds.of(&kind, || kind.clone())).collect();
        let subjects: Vec<usize> = facts.subjects.into_iter().map(|id| self.subjects.of(&id, || id)).collect();
        for (key, fact) in facts.sessions {
            let subject = fact.subject.map(|subject| subjects[subject]);
            self.session(key, SessionFact { place: places[fact.place], subject, ..fact });
        }
        for ((day, kind, place, subject), times) in facts.marks {
            self.mark((day, kinds[kind], places[place], subjects[subject]), times);
        }
        for ((day, kind, place, source), events) in facts.counts {
            *self.counts.entry((day, kinds[kind], places[place], source)).or_default() += events;
        }
        for (key, fact) in facts.matches {
            self.matches.entry(key).or_insert(MatchFact { place: places[fact.place], ..fact });
        }
        let tickets = facts.tickets.into_iter();
        self.tickets.extend(tickets.map(|ticket| TicketFact { place: places[ticket.place], ..ticket }));
    }

    /// As a list of lines, each kind of them in the order of its keys.
    pub fn finish(self) -> Facts {
        fn sorted<K: Ord, V>(map: Map<K, V>) -> Vec<(K, V)> {
            let mut list: Vec<(K, V)> = map.into_iter().collect();
            list.sort_unstable_by(|one, other| one.0.cmp(&other.0));
            list
        }
        let mut counts: Vec<(CountKey, u64)> = self.counts.into_iter().collect();
        counts.sort_unstable_by_key(|((day, kind, place, source), _)| (*day, *kind, *place, source.as_str()));
        Facts {
            places: self.places.list,
            kinds: self.kinds.list,
            subjects: self.subjects.list,
            sessions: sorted(self.sessions),
            marks: sorted(self.marks),
            counts,
            matches: sorted(self.matches),
            tickets: self.tickets,
        }
    }
}

impl SessionFact {
    /// What another word of the same session adds; `both` names the place of two.
    pub fn merge(&mut self, other: &Self, both: impl FnOnce(usize, usize) -> usize) {
        self.subject = self.subject.or(other.subject);
        self.place = if self.place == other.place { self.place } else { both(self.place, other.place) };
        self.started_at = self.started_at.min(other.started_at);
        self.ended_at = self.ended_at.max(other.ended_at);
        self.events += other.events;
        self.errors += other.errors;
        self.disconnects += other.disconnects;
    }
}

/// What two places tell together: of each part the smaller text, so that the order in which events come makes no difference.
pub(super) fn joined(one: &Place, other: &Place) -> Place {
    let join = |one: &Option<String>, other: &Option<String>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other).clone()),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    (join(&one.0, &other.0), join(&one.1, &other.1), join(&one.2, &other.2))
}

fn merge_places(places: &mut Names<Place>, one: usize, other: usize) -> usize {
    let place = joined(&places.list[one], &places.list[other]);
    places.of(&place, || place.clone())
}

/// How far an event may be from the time in its session's id.
const SESSION_REACH: TimeDelta = TimeDelta::days(7);

/// When a session was opened, by its id: a `UUIDv7` tells. Where it does not, or is a week away from the event, each day (UTC) is a
/// session of its own.
fn opened_at(session_id: Uuid, at: DateTime<Utc>) -> DateTime<Utc> {
    let told = session_id.get_timestamp().filter(|_| session_id.get_version_num() == 7).and_then(|time| {
        let (secs, nanos) = time.to_unix();
        DateTime::from_timestamp(i64::try_from(secs).ok()?, nanos)
    });
    match told {
        Some(opened) if (at - opened).abs() < SESSION_REACH => opened,
        _ => at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc(),
    }
}

/// What is not told apart.
pub(super) const OTHER: &str = "(other)";

/// Names are indexed, and clients make them up: a very long one is nobody's.
fn bounded(name: &str) -> &str {
    if name.len() <= 128 { name } else { OTHER }
}

/// The beginning of the hour that a moment is in.
pub(super) fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let secs = at.timestamp().div_euclid(3_600) * 3_600;
    DateTime::from_timestamp(secs, 0).unwrap_or(at)
}

/// The day of a key.
pub(super) fn day_of(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default()
}
