//! Who holds a socket on this gateway. The newest socket of a player plays; an older one is told to go.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use muster_core::id::PlayerId;
use tokio_util::sync::CancellationToken;

/// Players and their newest socket.
#[derive(Default)]
pub struct Roster(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    sockets: HashMap<PlayerId, (u64, CancellationToken)>,
}

/// One socket's place in the roster.
pub struct Place {
    player: PlayerId,
    number: u64,
    /// Cancelled when a newer socket of the player takes over.
    pub replaced: CancellationToken,
}

impl Roster {
    /// Enters a socket; an older one of the same player is replaced.
    pub fn enter(&self, player: PlayerId) -> Place {
        let replaced = CancellationToken::new();
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        if let Some((_, older)) = state.sockets.insert(player, (number, replaced.clone())) {
            older.cancel();
        }
        Place { player, number, replaced }
    }

    /// Removes a socket; true when it was the player's newest, so that the player is gone from here.
    pub fn leave(&self, place: &Place) -> bool {
        match self.lock().sockets.entry(place.player) {
            Entry::Occupied(entry) if entry.get().0 == place.number => {
                entry.remove();
                true
            }
            _ => false,
        }
    }

    /// Everybody here.
    pub fn players(&self) -> Vec<PlayerId> {
        self.lock().sockets.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_socket_stays() {
        let roster = Roster::default();
        let player = muster_store::fresh_id();
        let first = roster.enter(player);
        let second = roster.enter(player);
        assert!(first.replaced.is_cancelled());
        assert!(!second.replaced.is_cancelled());
        assert!(!roster.leave(&first), "an older socket's end does not make the player leave");
        assert_eq!(roster.players(), [player]);
        assert!(roster.leave(&second));
        assert!(roster.players().is_empty());
    }
}
