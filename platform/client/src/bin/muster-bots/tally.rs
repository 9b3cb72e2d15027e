//! Counting matches: both of a match's players may be ours, and it is one match. And what was wrong with them.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use muster_client::{bot::PlayedMatch, core::id::MatchId};
use serde::Serialize;
use tokio::sync::watch;

/// A match's other player is heard of within so many matches, or was not ours.
const REMEMBERED: usize = 4096;

/// What all bots together have played.
pub struct Tally {
    state: Mutex<State>,
    wanted: Option<u64>,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    matches: u64,
    recent: VecDeque<MatchId>,
    summary: Summary,
}

/// What was played, for programs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Matches that were played to their end.
    pub matches: u64,
    /// How many of them were compared with what is stored, once for each of our players.
    pub checked: u64,
    /// How often a bot let go of its connection.
    pub dropped: u64,
    /// What was told and is not stored, or the other way round, or is not the dice's.
    pub differences: Vec<Difference>,
}

/// A match that was told to a bot otherwise than it is stored.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The match.
    pub match_id: MatchId,
    /// What the difference is.
    pub detail: String,
}

impl Tally {
    /// Says stop once `wanted` matches are played, if any number is wanted.
    pub fn new(wanted: Option<u64>, stop: watch::Sender<bool>) -> Self {
        Self { state: Mutex::default(), wanted, stop }
    }

    /// Counts a match and logs it, unless its other player did.
    pub fn record(&self, played: &PlayedMatch) {
        let mut state = self.lock();
        if state.recent.contains(&played.view.match_id) {
            return;
        }
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        state.recent.push_back(played.view.match_id);
        state.matches += 1;
        let outcome = &played.result.outcome;
        let winner = outcome.winner.and_then(|seat| played.view.players.iter().find(|player| player.seat == seat));
        tracing::info!(
            match_id = %played.view.match_id,
            queue = %played.view.queue,
            outcome = outcome.kind.as_str(),
            winner = winner.map_or("nobody", |player| &player.display_name),
            totals = ?outcome.totals,
            entries = played.log.len(),
            waited_ms = played.waited.as_millis(),
            took_ms = played.took.as_millis(),
            "match played"
        );
        if self.wanted.is_some_and(|wanted| state.matches >= wanted) {
            self.stop.send_replace(true);
        }
    }

    /// Counts a check, and keeps what it found.
    pub fn checked(&self, match_id: MatchId, difference: Option<String>) {
        let summary = &mut self.lock().summary;
        summary.checked += 1;
        if let Some(detail) = difference {
            tracing::error!(%match_id, detail, "a match was told otherwise than it is stored");
            summary.differences.push(Difference { match_id, detail });
        }
    }

    /// Counts a connection that was let go.
    pub fn dropped(&self) {
        self.lock().summary.dropped += 1;
    }

    /// All of it.
    pub fn summary(&self) -> Summary {
        let state = self.lock();
        Summary { matches: state.matches, ..state.summary.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
