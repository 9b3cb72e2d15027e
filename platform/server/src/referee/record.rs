//! A match as its log tells it: what was created, the state after every event, and which commands were answered.

use chrono::{DateTime, Utc};
use muster_core::game::{Dice, GameEvent, MatchState, Outcome, Seat, evolve};
use muster_core::id::PlayerId;
use muster_core::wire::{LoggedEvent, MatchPlayer, MatchStatus, MatchView};
use muster_store::{LastSnapshot, MatchBeginning, MatchLogEntry, MatchSnapshot, number_events};

use super::answered::Answered;

/// What the first entry of a log says; it never changes.
pub(crate) type Created = MatchBeginning;

/// How many events there may be from one snapshot to the next: the most that a take-over replays.
const SNAPSHOT_EVERY: u64 = 100;

/// How many of a match's events are kept in memory; of a longer match only the newest are.
const KEPT_EVENTS: usize = 512;

/// Why a log does not make a match.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("the log is empty")]
    Empty,
    #[error("the match was called off before it began")]
    CalledOff,
    #[error("{0}")]
    Corrupt(&'static str),
}

/// A replayed match.
#[derive(Debug, Clone)]
pub(crate) struct MatchRecord {
    pub created: Created,
    pub state: MatchState,
    pub dice: Dice,
    /// The newest events, in order; all of them where [`MatchRecord::is_whole`].
    pub events: Vec<LoggedEvent>,
    /// Stream sequence of the log's last entry: what the next append expects.
    pub last_seq: u64,
    /// When the last entry was written.
    pub last_at: DateTime<Utc>,
    answered: Answered,
    /// Stream sequence of the entry that carries the last snapshot.
    snapshot_seq: Option<u64>,
    /// How many events there were since; from the beginning when there is no snapshot.
    since_snapshot: u64,
    /// How many events the last entry has.
    last_events: u64,
}

impl MatchRecord {
    /// Builds the match from its log, or from the end of it that begins with a snapshot.
    pub(crate) fn replay(entries: Vec<(u64, MatchLogEntry)>) -> Result<Self, ReplayError> {
        let mut entries = entries.into_iter().peekable();
        let mut record = match entries.peek() {
            None => return Err(ReplayError::Empty),
            Some((_, MatchLogEntry::Settled { .. })) => return Err(ReplayError::CalledOff),
            Some((seq, first @ MatchLogEntry::Created { .. })) => {
                let record = Self::begin(*seq, first)?;
                entries.next();
                record
            }
            Some((seq, MatchLogEntry::Decided { snapshot: Some(LastSnapshot::Here(snapshot)), .. })) => {
                Self::resume(*seq, snapshot)
            }
            Some((_, MatchLogEntry::Decided { .. })) => {
                return Err(ReplayError::Corrupt("the first entry is neither `created` nor a snapshot"));
            }
        };
        for (seq, entry) in entries {
            record.apply(seq, entry)?;
        }
        Ok(record)
    }

    /// The match as its first entry makes it.
    fn begin(seq: u64, first: &MatchLogEntry) -> Result<Self, ReplayError> {
        let MatchLogEntry::Created {
            match_id,
            queue,
            mode,
            ranked,
            players,
            names,
            ratings,
            seed,
            nonces,
            quality,
            region,
            created_at,
            events,
        } = first.clone()
        else {
            return Err(ReplayError::Corrupt("the first entry is not `created`"));
        };
        let Some(GameEvent::Started { first, .. }) = events.first() else {
            return Err(ReplayError::Corrupt("the first event is not `started`"));
        };
        let state = MatchState::start(mode, *first, created_at);
        let created = Created {
            match_id,
            queue,
            mode,
            ranked,
            players,
            names,
            ratings,
            seed,
            nonces,
            quality,
            region,
            created_at,
        };
        let mut record = Self::new(created, state, Answered::default());
        record.extend(seq, events, created_at);
        Ok(record)
    }

    /// The match as it was before the entry that carries the snapshot.
    fn resume(seq: u64, snapshot: &MatchSnapshot) -> Self {
        let MatchSnapshot { beginning, state, answered } = snapshot.clone();
        let mut record = Self::new(beginning, state, Answered::new(answered));
        record.snapshot_seq = Some(seq);
        record
    }

    fn new(created: Created, state: MatchState, answered: Answered) -> Self {
        Self {
            dice: Dice::new(created.seed, created.nonces),
            events: Vec::new(),
            last_seq: 0,
            last_at: created.created_at,
            snapshot_seq: None,
            since_snapshot: 0,
            last_events: 0,
            created,
            state,
            answered,
        }
    }

    /// The entry for a decision on this match: with a snapshot when one is due, else with where the last one is.
    pub(crate) fn entry(
        &self,
        by: Option<PlayerId>,
        command_id: Option<String>,
        events: Vec<GameEvent>,
        at: DateTime<Utc>,
    ) -> MatchLogEntry {
        let due = self.since_snapshot + events.len() as u64 > SNAPSHOT_EVERY;
        let snapshot = match due {
            true => Some(LastSnapshot::Here(Box::new(self.snapshot()))),
            false => self.snapshot_seq.map(LastSnapshot::At),
        };
        MatchLogEntry::Decided { by, command_id, events, at, snapshot }
    }

    fn snapshot(&self) -> MatchSnapshot {
        MatchSnapshot { beginning: self.created.clone(), state: self.state.clone(), answered: self.answered.to_vecs() }
    }

    /// Takes in the next entry of the log.
    ///
    /// # Errors
    /// When it cannot be the next one.
    pub(crate) fn apply(&mut self, seq: u64, entry: MatchLogEntry) -> Result<(), ReplayError> {
        match entry {
            MatchLogEntry::Decided { by, command_id, events, at, snapshot } => {
                if matches!(snapshot, Some(LastSnapshot::Here(_))) {
                    self.snapshot_seq = Some(seq);
                    self.since_snapshot = 0;
                }
                self.extend(seq, events, at);
                if let (Some(seat), Some(command_id)) = (by.and_then(|by| self.seat_of(by)), command_id) {
                    self.answered.insert(seat, command_id);
                }
                Ok(())
            }
            MatchLogEntry::Settled { .. } => {
                self.last_seq = seq;
                Ok(())
            }
            MatchLogEntry::Created { .. } => Err(ReplayError::Corrupt("there is a second `created`")),
        }
    }

    fn extend(&mut self, seq: u64, events: Vec<GameEvent>, at: DateTime<Utc>) {
        self.last_seq = seq;
        self.last_at = at;
        self.last_events = events.len() as u64;
        self.since_snapshot += self.last_events;
        for event in events {
            evolve(&mut self.state, &event, at);
            self.events.push(LoggedEvent { seq: self.state.version, at, event });
        }
        if self.events.len() > KEPT_EVENTS {
            self.events.drain(..KEPT_EVENTS / 2);
        }
    }

    /// Whether all events of the match are in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.events.len() as u64 == self.version()
    }

    /// Brings back the events that are not in memory, from the whole log.
    ///
    /// # Errors
    /// When the log is not that of this match as it stands.
    pub(crate) fn complete(&mut self, entries: &[(u64, MatchLogEntry)]) -> Result<(), ReplayError> {
        let events = number_events(entries.iter().map(|(_, entry)| entry));
        if events.len() as u64 != self.version() {
            return Err(ReplayError::Corrupt("the whole log tells another number of events than its end"));
        }
        self.events = events;
        Ok(())
    }

    /// The events after a number, as far as they are in memory.
    pub(crate) fn events_after(&self, version: u64) -> &[LoggedEvent] {
        let from = self.events.partition_point(|event| event.seq <= version);
        &self.events[from..]
    }

    /// Sequence number of the last event before the last entry.
    pub(crate) fn version_before_last_entry(&self) -> u64 {
        self.version() - self.last_events
    }

    /// Whether this command was done before. Only the newest commands of each player are known.
    pub(crate) fn was_answered(&self, seat: Seat, command_id: &str) -> bool {
        self.answered.contains(seat, command_id)
    }

    /// The seat of a player, if they are in the match.
    pub(crate) fn seat_of(&self, player: PlayerId) -> Option<Seat> {
        Seat::from_index(self.created.players.iter().position(|seated| *seated == player)?)
    }

    /// Sequence number of the last event.
    pub(crate) fn version(&self) -> u64 {
        self.state.version
    }

    /// How it ended, if it has.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.state.outcome.as_ref()
    }

    /// The match as anybody may see it: never the seed while it runs.
    pub(crate) fn view(&self) -> MatchView {
        let over = self.state.outcome.is_some();
        let players = [Seat::First, Seat::Second].map(|seat| MatchPlayer {
            player_id: self.created.players[seat.index()],
            display_name: self.created.names[seat.index()].clone(),
            seat,
            rating: self.created.ratings[seat.index()].points,
        });
        MatchView {
            match_id: self.created.match_id,
            queue: self.created.queue.clone(),
            mode: self.created.mode,
            state: if over { MatchStatus::Finished } else { MatchStatus::Running },
            players: players.to_vec(),
            commitment: hex::encode(self.dice.commitment()),
            seed: over.then(|| hex::encode(self.created.seed)),
            created_at: self.created.created_at,
            ended_at: over.then_some(self.last_at),
            outcome: self.state.outcome,
            version: self.version(),
            totals: self.state.totals,
            turn: (!over).then_some(self.state.turn),
        }
    }
}

#[cfg(test)]
mod tests;
