//! Answers about players.

use async_graphql::SimpleObject;

use super::asked::Day;
use crate::schema::time::Time;

/// Distinct players of a day, and of the days before it.
#[derive(SimpleObject)]
pub struct ActivePlayers {
    /// The value of what it is told apart by; null for events that do not say, or when nothing is told apart.
    pub(super) group: Option<String>,
    /// The day.
    pub(super) day: Day,
    /// On the day (DAU).
    pub(super) daily: u64,
    /// On the day or the 6 before it (WAU).
    pub(super) weekly: u64,
    /// On the day or the 29 before it (MAU).
    pub(super) monthly: u64,
    /// DAU / MAU, 0 to 1.
    pub(super) stickiness: f64,
}

impl From<muster_store::ActiveDay> for ActivePlayers {
    fn from(facts: muster_store::ActiveDay) -> Self {
        Self {
            group: facts.group,
            day: Day(facts.day),
            daily: facts.daily,
            weekly: facts.weekly,
            monthly: facts.monthly,
            stickiness: facts.stickiness,
        }
    }
}

/// The players who came first on a day.
#[derive(SimpleObject)]
pub struct RetentionCohort {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// Their first day.
    pub(super) day: Day,
    /// How many they are.
    pub(super) players: u64,
    /// How many came back, in the order of days.
    pub(super) returned: Vec<ReturnedPlayers>,
}

impl From<muster_store::Cohort> for RetentionCohort {
    fn from(facts: muster_store::Cohort) -> Self {
        Self {
            group: facts.group,
            day: Day(facts.day),
            players: facts.players,
            returned: facts
                .returned
                .into_iter()
                .map(|(days_after, players)| ReturnedPlayers { days_after, players })
                .collect(),
        }
    }
}

/// A step of a funnel.
#[derive(SimpleObject)]
pub struct FunnelStep {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// Its kind of event.
    pub(super) kind: String,
    /// Players who came so far.
    pub(super) players: u64,
    /// Of those of the first step, 0 to 1.
    pub(super) of_first: f64,
    /// Of those of the step before, 0 to 1.
    pub(super) of_previous: f64,
    /// How long after the first step half of them were here, in milliseconds.
    pub(super) median_ms: Option<u64>,
}

impl From<muster_store::FunnelStep> for FunnelStep {
    fn from(facts: muster_store::FunnelStep) -> Self {
        Self {
            group: facts.group,
            kind: facts.kind,
            players: facts.players,
            of_first: facts.of_first,
            of_previous: facts.of_previous,
            median_ms: facts.median_ms,
        }
    }
}

/// What being away for some days has meant.
#[derive(SimpleObject)]
pub struct ChurnPoint {
    /// Whole days since the day of the last event.
    pub(super) days_away: u32,
    /// Times in the range that a player had been away so long, and what came then is known.
    pub(super) times: u64,
    /// Of them, how many times the player did not come back within the horizon.
    pub(super) gone: u64,
    /// `gone / times`, 0 to 1.
    pub(super) risk: Option<f64>,
    /// Players who are away for so long on the last day of the range.
    pub(super) players_now: u64,
}

impl From<muster_store::ChurnPoint> for ChurnPoint {
    fn from(facts: muster_store::ChurnPoint) -> Self {
        Self {
            days_away: facts.days_away,
            times: facts.times,
            gone: facts.gone,
            risk: facts.risk,
            players_now: facts.players_now,
        }
    }
}

/// How many sessions ran at once.
#[derive(SimpleObject)]
pub struct ConcurrencyPoint {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// The minute, hour or day, at its beginning.
    pub(super) at: Time,
    /// At this minute; or on average over the hour or day.
    pub(super) sessions: f64,
}

impl From<muster_store::ConcurrencyPoint> for ConcurrencyPoint {
    fn from(facts: muster_store::ConcurrencyPoint) -> Self {
        Self { group: facts.group, at: Time(facts.at), sessions: facts.sessions }
    }
}

/// Who plays now.
#[derive(SimpleObject)]
pub struct PlayersPlaying {
    /// The value of what it is told apart by.
    pub(super) group: Option<String>,
    /// Players with a session whose last event is of the last two minutes.
    pub(super) players: u64,
}

impl From<muster_store::Playing> for PlayersPlaying {
    fn from(facts: muster_store::Playing) -> Self {
        Self { group: facts.group, players: facts.players }
    }
}

/// Players who came back.
#[derive(SimpleObject)]
pub struct ReturnedPlayers {
    /// So many days after their first.
    pub(super) days_after: u32,
    /// How many had an event on exactly that day; null while it is not over.
    pub(super) players: Option<u64>,
}
