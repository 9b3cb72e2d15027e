//! Who holds a socket on this gateway. The newest socket of a player plays, over all gateways; an older one is told to go.
//!
//! Which is the newest is decided by the numbers that [`muster_store::Sockets`] gives out, never by the order in which this
//! process happens to look at them: of two that come in the same moment, here or on two gateways, exactly one stays. A socket is
//! entered *before* it is numbered, so that news of a newer one, which may come in between, is remembered for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use muster_core::id::PlayerId;
use tokio_util::sync::CancellationToken;

/// Players and their sockets.
#[derive(Default)]
pub struct Roster(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    players: HashMap<PlayerId, Held>,
}

/// A player's sockets here: one, but for the moment in which another comes.
#[derive(Default)]
struct Held {
    /// The highest number that was heard of: what has a lower one has been replaced.
    newest: u64,
    sockets: Vec<Socket>,
}

struct Socket {
    key: u64,
    /// None until it is numbered.
    number: Option<u64>,
    replaced: CancellationToken,
}

/// One socket's place in the roster.
pub struct Place {
    player: PlayerId,
    key: u64,
    /// Cancelled when a newer socket of the player takes over.
    pub replaced: CancellationToken,
}

impl Held {
    fn hear(&mut self, number: u64) {
        self.newest = self.newest.max(number);
        for socket in &self.sockets {
            if socket.number.is_some_and(|number| number < self.newest) {
                socket.replaced.cancel();
            }
        }
    }
}

impl Roster {
    /// Enters a socket that is about to be numbered.
    pub fn enter(&self, player: PlayerId) -> Place {
        let replaced = CancellationToken::new();
        let mut state = self.lock();
        state.next += 1;
        let key = state.next;
        let held = state.players.entry(player).or_default();
        held.sockets.push(Socket { key, number: None, replaced: replaced.clone() });
        Place { player, key, replaced }
    }

    /// Says which number a socket was given: older ones of its player are replaced, or it is itself.
    pub fn number(&self, place: &Place, number: u64) {
        let mut state = self.lock();
        let Some(held) = state.players.get_mut(&place.player) else { return };
        if let Some(socket) = held.sockets.iter_mut().find(|socket| socket.key == place.key) {
            socket.number = Some(number);
        }
        held.hear(number);
    }

    /// A socket of the player has been opened somewhere: older ones here are replaced.
    pub fn hear(&self, player: PlayerId, number: u64) {
        if let Some(held) = self.lock().players.get_mut(&player) {
            held.hear(number);
        }
    }

    /// Removes a socket. Its number, when it was the newest as far as is known here: then its player may be gone.
    pub fn leave(&self, place: &Place) -> Option<u64> {
        let mut state = self.lock();
        let held = state.players.get_mut(&place.player)?;
        let index = held.sockets.iter().position(|socket| socket.key == place.key)?;
        let socket = held.sockets.swap_remove(index);
        if held.sockets.is_empty() {
            state.players.remove(&place.player);
        }
        socket.number.filter(|_| !socket.replaced.is_cancelled())
    }

    /// Everybody who plays here, with their socket's number.
    pub fn players(&self) -> Vec<(PlayerId, u64)> {
        let state = self.lock();
        let newest = state.players.iter().filter_map(|(player, held)| {
            let sockets = held.sockets.iter().filter(|socket| !socket.replaced.is_cancelled());
            Some((*player, sockets.filter_map(|socket| socket.number).max()?))
        });
        newest.collect()
    }

    /// Whether a player has a socket here.
    pub fn holds(&self, player: PlayerId) -> bool {
        self.lock().players.contains_key(&player)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
