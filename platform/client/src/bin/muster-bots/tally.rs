//! Counting matches: both of a match's players may be ours, and it is one match.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use muster_client::{bot::PlayedMatch, core::id::MatchId};
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

    /// How many matches were played.
    pub fn matches(&self) -> u64 {
        self.lock().matches
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
