//! Matches that are watched on this gateway, each followed once, however many watch it.
//!
//! A follower reads the match's log and keeps its latest events; an event is *ripe* when it is as old as the spectators' delay,
//! and only what is ripe is told. A watcher is nothing but a place in those events: one that does not read costs no memory, and
//! when what it has not been told is no longer kept it is told so. The last watcher takes the follower with it.

mod follower;
mod tape;
mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{MatchStatus, MatchView};
use muster_store::Store;
use tokio_util::sync::CancellationToken;

use crate::events;
use tape::Tape;

pub use watcher::{Watcher, Watchers};

/// The matches that are watched here.
#[derive(Clone)]
pub struct WatchRoom(Arc<Inner>);

struct Inner {
    store: Store,
    delay: Duration,
    most: usize,
    drain: CancellationToken,
    watched: Mutex<HashMap<MatchId, Arc<Watched>>>,
}

/// A match that is watched.
struct Watched {
    /// The match as it was before its first event.
    beginning: MatchView,
    tape: Tape,
}

/// So many matches are watched here that no other can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl WatchRoom {
    /// A room for so many matches; `delay` is how old an event has to be before it is told.
    pub fn new(store: Store, delay: Duration, most: usize, drain: CancellationToken) -> Self {
        Self(Arc::new(Inner { store, delay, most, drain, watched: Mutex::default() }))
    }

    /// Whether a match that is watched here is one of the player's own; none when nobody watches it here.
    pub fn is_of(&self, match_id: MatchId, player: PlayerId) -> Option<bool> {
        let watched = self.watched();
        let watched = watched.get(&match_id)?;
        Some(watched.beginning.players.iter().any(|seated| seated.player_id == player))
    }

    /// Joins those who watch a match here already.
    pub fn join(&self, match_id: MatchId, after: u64) -> Option<Watcher> {
        let watched = self.watched();
        watched.get(&match_id).map(|watched| Watcher::new(watched.clone(), after, self.0.delay))
    }

    /// Watches a match; the first who does starts its follower.
    ///
    /// # Errors
    /// [`Full`].
    pub fn open(&self, view: &MatchView, after: u64) -> Result<Watcher, Full> {
        let mut matches = self.watched();
        let room = matches.len() < self.0.most;
        let watched = match matches.get(&view.match_id) {
            Some(watched) => watched.clone(),
            None if room => {
                let watched = Arc::new(Watched { beginning: beginning(view), tape: Tape::new() });
                matches.insert(view.match_id, watched.clone());
                events::watched_matches(matches.len());
                let room = self.clone();
                let followed = watched.clone();
                // The watcher below is there before the follower can look for one: both need the lock.
                tokio::spawn(async move { follower::follow(room, followed).await });
                watched
            }
            None => return Err(Full),
        };
        Ok(Watcher::new(watched, after, self.0.delay))
    }

    /// Forgets a match when nobody watches it any more, or at any rate when `done`. True: it is forgotten.
    fn close(&self, watched: &Watched, done: bool) -> bool {
        let mut matches = self.watched();
        if !done && watched.tape.is_watched() {
            return false;
        }
        matches.remove(&watched.beginning.match_id);
        events::watched_matches(matches.len());
        true
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<MatchId, Arc<Watched>>> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A match before its first event: nothing in it tells how it stands now, and least of all its seed.
fn beginning(view: &MatchView) -> MatchView {
    MatchView {
        state: MatchStatus::Running,
        seed: None,
        ended_at: None,
        outcome: None,
        version: 0,
        totals: [view.mode.start_total(); 2],
        turn: None,
        ..view.clone()
    }
}
