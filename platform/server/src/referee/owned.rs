//! The matches of this process, and what its other tasks have to say to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use muster_core::game::{DROP_GRACE, MatchState, Seat};
use muster_core::id::{MatchId, PlayerId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The matches that this process owns, or is about to.
#[derive(Default)]
pub(super) struct Owned(Mutex<HashMap<MatchId, Place>>);

enum Place {
    /// Its log is being read; cancelled when that is over, one way or the other.
    Adopting(CancellationToken),
    Served(Arc<Link>),
}

/// What was found on entering a match.
pub(super) enum Entered {
    /// Nothing: it is the caller's to serve, or to leave.
    New,
    /// Somebody here is about to serve it; cancelled when that is decided.
    Adopting(CancellationToken),
    /// It is served here.
    Served,
}

impl Owned {
    /// Enters a match, unless it is here already.
    pub(super) fn enter(&self, match_id: MatchId) -> Entered {
        let mut matches = self.lock();
        match matches.get(&match_id) {
            Some(Place::Served(_)) => Entered::Served,
            Some(Place::Adopting(decided)) => Entered::Adopting(decided.clone()),
            None => {
                matches.insert(match_id, Place::Adopting(CancellationToken::new()));
                Entered::New
            }
        }
    }

    /// The match answers calls from now on.
    pub(super) fn serve(&self, match_id: MatchId, link: Arc<Link>) {
        let before = self.lock().insert(match_id, Place::Served(link));
        decide(before);
    }

    /// The match is not, or no longer, this process's.
    pub(super) fn leave(&self, match_id: MatchId) {
        let before = self.lock().remove(&match_id);
        decide(before);
    }

    /// All matches here, those included that are about to be.
    pub(super) fn ids(&self) -> Vec<MatchId> {
        self.lock().keys().copied().collect()
    }

    /// The links of all matches that are served here.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        let served = |place: &Place| match place {
            Place::Served(link) => Some(link.clone()),
            Place::Adopting(_) => None,
        };
        self.lock().values().filter_map(served).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MatchId, Place>> {
        // Each change of the map is one call, so it is whole even if a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decide(before: Option<Place>) {
    if let Some(Place::Adopting(decided)) = before {
        decided.cancel();
    }
}

/// What a match is to look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// Whether its log still ends where it thinks: somebody else may own it by now.
    CheckLog,
    /// Nobody has heard of this player for too long.
    Absent(Seat),
    /// This player, who was away, was heard of again.
    Present(Seat),
}

/// Between a served match and the other tasks of its process: small, since there is one for every match.
#[derive(Debug)]
pub(super) struct Link {
    pub players: [PlayerId; 2],
    /// Since when a seat is away, in milliseconds of the epoch; [`HERE`] when it is not.
    away_since: [AtomicI64; 2],
    notes: Mutex<Vec<Note>>,
    wake: Notify,
}

const HERE: i64 = i64::MIN;

impl Link {
    pub(super) fn new(players: [PlayerId; 2], state: &MatchState) -> Self {
        let link =
            Self { players, away_since: [HERE; 2].map(AtomicI64::new), notes: Mutex::default(), wake: Notify::new() };
        link.show(state);
        link
    }

    /// Shows who is here.
    pub(super) fn show(&self, state: &MatchState) {
        for (shown, until) in self.away_since.iter().zip(state.drop_deadline) {
            let since = until.map_or(HERE, |until| (until - DROP_GRACE).timestamp_millis());
            shown.store(since, Ordering::Relaxed);
        }
    }

    /// Since when a seat is away; none when it is here.
    pub(super) fn away_since(&self, seat: Seat) -> Option<DateTime<Utc>> {
        match self.away_since[seat.index()].load(Ordering::Relaxed) {
            HERE => None,
            since => DateTime::from_timestamp_millis(since),
        }
    }

    /// Leaves a note; false when it was there already.
    pub(super) fn leave(&self, note: Note) -> bool {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !notes.contains(&note);
        if new {
            notes.push(note);
            self.wake.notify_one();
        }
        new
    }

    /// Waits for notes, and takes them.
    pub(super) async fn notes(&self) -> Vec<Note> {
        loop {
            let notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
            if !notes.is_empty() {
                return notes;
            }
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use muster_core::game::{GameEvent, Mode};
    use muster_store::{fresh_id, now};

    use super::*;

    #[tokio::test]
    async fn who_comes_second_waits_until_it_is_decided() {
        let owned = Owned::default();
        let match_id = fresh_id();
        assert!(matches!(owned.enter(match_id), Entered::New));
        let Entered::Adopting(decided) = owned.enter(match_id) else { panic!("somebody is at it") };
        assert!(!decided.is_cancelled());
        assert_eq!((owned.ids().len(), owned.links().len()), (1, 0));
        let state = MatchState::start(Mode::Classic, Seat::First, now());
        owned.serve(match_id, Arc::new(Link::new([fresh_id(), fresh_id()], &state)));
        decided.cancelled().await;
        assert!(matches!(owned.enter(match_id), Entered::Served));
        assert_eq!(owned.links().len(), 1);
        owned.leave(match_id);
        assert!(owned.ids().is_empty());

        assert!(matches!(owned.enter(match_id), Entered::New));
        let Entered::Adopting(decided) = owned.enter(match_id) else { panic!("somebody is at it") };
        owned.leave(match_id);
        decided.cancelled().await;
    }

    #[tokio::test]
    async fn notes_are_taken_once_and_none_is_lost() {
        let at = now();
        let mut state = MatchState::start(Mode::Classic, Seat::First, at);
        let link = Link::new([fresh_id(), fresh_id()], &state);
        assert_eq!(Seat::ALL.map(|seat| link.away_since(seat)), [None, None]);
        state.evolve(&GameEvent::Dropped { seat: Seat::Second, until: at + DROP_GRACE }, at);
        link.show(&state);
        assert_eq!(Seat::ALL.map(|seat| link.away_since(seat)), [None, Some(at)]);

        for note in [Note::CheckLog, Note::Present(Seat::Second)] {
            assert_ne!(link.leave(note), link.leave(note));
        }
        assert_eq!(link.notes().await, [Note::CheckLog, Note::Present(Seat::Second)]);
        let (notes, ()) = tokio::join!(link.notes(), async { assert!(link.leave(Note::Absent(Seat::First))) });
        assert_eq!(notes, [Note::Absent(Seat::First)]);
    }
}
