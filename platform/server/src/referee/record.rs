//! A match as its log tells it: what was created, the state after every event, and which commands were answered.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use muster_core::game::{Dice, GameEvent, MatchState, Mode, Outcome, Seat, evolve};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use muster_core::wire::{LoggedEvent, MatchPlayer, MatchStatus, MatchView};
use muster_store::MatchLogEntry;

/// What the first entry of a log says; it never changes.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    pub match_id: MatchId,
    pub queue: String,
    pub mode: Mode,
    pub ranked: bool,
    pub players: [PlayerId; 2],
    pub names: [String; 2],
    pub ratings: [Rating; 2],
    pub seed: [u8; 32],
    pub quality: f64,
    pub created_at: DateTime<Utc>,
}

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
    pub events: Vec<LoggedEvent>,
    /// Stream sequence of the log's last entry: what the next append expects.
    pub last_seq: u64,
    /// When the last entry was written.
    pub last_at: DateTime<Utc>,
    answered: HashSet<(PlayerId, String)>,
}

impl MatchRecord {
    /// Builds the match from its log.
    pub(crate) fn replay(entries: Vec<(u64, MatchLogEntry)>) -> Result<Self, ReplayError> {
        let mut entries = entries.into_iter();
        let (first_seq, first) = entries.next().ok_or(ReplayError::Empty)?;
        let mut record = match first {
            MatchLogEntry::Created {
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
                created_at,
                events,
            } => {
                let Some(GameEvent::Started { first, .. }) = events.first() else {
                    return Err(ReplayError::Corrupt("the first event is not `started`"));
                };
                let created =
                    Created { match_id, queue, mode, ranked, players, names, ratings, seed, quality, created_at };
                let mut record = Self {
                    state: MatchState::start(mode, *first, created_at),
                    dice: Dice::new(seed, nonces),
                    created,
                    events: Vec::new(),
                    last_seq: first_seq,
                    last_at: created_at,
                    answered: HashSet::new(),
                };
                record.extend(&events, created_at);
                record
            }
            MatchLogEntry::Settled { .. } => return Err(ReplayError::CalledOff),
            MatchLogEntry::Decided { .. } => return Err(ReplayError::Corrupt("the first entry is not `created`")),
        };
        for (seq, entry) in entries {
            match entry {
                MatchLogEntry::Decided { by, command_id, events, at } => record.apply(seq, by, command_id, &events, at),
                MatchLogEntry::Settled { .. } => record.last_seq = seq,
                MatchLogEntry::Created { .. } => return Err(ReplayError::Corrupt("there is a second `created`")),
            }
        }
        Ok(record)
    }

    /// Takes in one decision that is in the log.
    pub(crate) fn apply(
        &mut self,
        seq: u64,
        by: Option<PlayerId>,
        command_id: Option<String>,
        events: &[GameEvent],
        at: DateTime<Utc>,
    ) {
        self.extend(events, at);
        self.last_seq = seq;
        self.last_at = at;
        if let (Some(by), Some(command_id)) = (by, command_id) {
            self.answered.insert((by, command_id));
        }
    }

    fn extend(&mut self, events: &[GameEvent], at: DateTime<Utc>) {
        for event in events {
            evolve(&mut self.state, event, at);
            self.events.push(LoggedEvent { seq: self.events.len() as u64 + 1, at, event: event.clone() });
        }
    }

    /// Whether this command was done before.
    pub(crate) fn was_answered(&self, player: PlayerId, command_id: &str) -> bool {
        self.answered.contains(&(player, command_id.to_owned()))
    }

    /// The seat of a player, if they are in the match.
    pub(crate) fn seat_of(&self, player: PlayerId) -> Option<Seat> {
        match self.created.players.iter().position(|seated| *seated == player)? {
            0 => Some(Seat::First),
            _ => Some(Seat::Second),
        }
    }

    /// Sequence number of the last event.
    pub(crate) fn version(&self) -> u64 {
        self.events.len() as u64
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
