//! Room for the events in hand. It is taken before a body is read, by what the sender says of its size, and given back when the
//! request is over: what all senders together cost is bounded, those too who promise much and then say nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use muster_core::id::PlayerId;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use super::busy;
use crate::error::{ApiError, Code};

/// KiB that may be in hand at once on one gateway: bodies as they come, unpacked, and taken apart.
const ROOM_KIB: usize = 128 * 1024;

/// What one request may cost when it is taken apart; a body of 4 MiB whose values are longer than a few letters does not.
const OF_A_REQUEST_KIB: usize = ROOM_KIB / 2;

/// How many requests of one player may be in hand at once. A client sends one after the other; nobody fills the room alone.
const OF_A_PLAYER: u32 = 4;

/// The room of one gateway.
pub struct Room {
    free: Semaphore,
    /// How many requests of each player are in hand.
    players: Mutex<HashMap<PlayerId, u32>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { free: Semaphore::new(ROOM_KIB), players: Mutex::default() }
    }
}

/// Room that one request has, until it is dropped.
pub struct Held<'a> {
    room: &'a Room,
    permit: SemaphorePermit<'a>,
    player: Option<PlayerId>,
}

impl Room {
    /// Takes so many bytes, for a player or for a trusted server.
    ///
    /// # Errors
    /// `too_many_requests` when the player has requests in hand; `busy` when there is no room. Both say when to come back.
    pub fn take(&self, player: Option<PlayerId>, bytes: usize) -> Result<Held<'_>, ApiError> {
        let permit = self.free.try_acquire_many(kib(bytes)).map_err(|_| busy())?;
        if let Some(player) = player {
            let mut players = self.players();
            let in_hand = players.entry(player).or_default();
            if *in_hand >= OF_A_PLAYER {
                let detail = "Send the next events when the last request was answered.";
                return Err(ApiError::with_detail(Code::TooManyRequests, detail).retry_after(1));
            }
            *in_hand += 1;
        }
        Ok(Held { room: self, permit, player })
    }

    fn players(&self) -> MutexGuard<'_, HashMap<PlayerId, u32>> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// Makes it so many bytes, more or less than before.
    ///
    /// # Errors
    /// `body_too_large` when no request may have so much; `busy` when there is no room for more.
    pub fn resize(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > OF_A_REQUEST_KIB * 1024 {
            let detail = "It is too many values for one request; send fewer events at once, with less in them.";
            return Err(ApiError::with_detail(Code::BodyTooLarge, detail));
        }
        let (wanted, held) = (kib(bytes) as usize, self.permit.num_permits());
        if wanted < held {
            drop(self.permit.split(held - wanted));
        } else {
            let more = self.room.free.try_acquire_many(kib(bytes) - held as u32);
            self.permit.merge(more.map_err(|_: TryAcquireError| busy())?);
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(player) = self.player else { return };
        if let Entry::Occupied(mut in_hand) = self.room.players().entry(player) {
            *in_hand.get_mut() -= 1;
            if *in_hand.get() == 0 {
                in_hand.remove();
            }
        }
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// The most bytes that a body costs once it is text: the text twice (as it came, and as it goes on to the stream), and its values as
/// serde_json has them. A value takes 32 bytes where it stands, a list doubles as it grows, a text is an allocation of its own,
/// and an object has nodes of eleven entries, also where it has one.
pub fn weight(text: &str) -> usize {
    const OBJECT: usize = 640;
    const LIST: usize = 128;
    const VALUE: usize = 96;
    let values: usize = text
        .bytes()
        .map(|byte| match byte {
            b'{' => OBJECT,
            b'[' => LIST,
            b',' | b':' => VALUE,
            _ => 0,
        })
        .sum();
    2 * text.len() + values
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_is_in_hand_is_bounded_and_given_back() {
        let room = Room::default();
        let players: Vec<PlayerId> = (0..32).map(|_| muster_store::fresh_id()).collect();
        let mut held: Vec<_> = (0..128).map(|n| room.take(Some(players[n / 4]), MIB).expect("there is room")).collect();
        let refused = room.take(None, 1).err().expect("it is full");
        assert_eq!((refused.code(), refused.retry_after_secs()), (Code::Busy, Some(2)));
        assert_eq!(held[0].resize(2 * MIB).unwrap_err().code(), Code::Busy);
        held[0].resize(MIB / 2).unwrap();
        drop(room.take(None, MIB / 2).expect("half of it was given back"));
        held[1].resize(3 * MIB / 2).unwrap();
        held.clear();
        let mut all = room.take(None, 1).expect("all of it was given back");
        all.resize(64 * MIB).unwrap();
        assert_eq!(all.resize(64 * MIB + 1).unwrap_err().code(), Code::BodyTooLarge);
        assert!(room.players().is_empty());
    }

    #[test]
    fn nobody_has_it_alone() {
        let room = Room::default();
        let (ada, bob) = (muster_store::fresh_id(), muster_store::fresh_id());
        let held: Vec<_> = (0..4).map(|_| room.take(Some(ada), MIB).expect("there is room")).collect();
        let refused = room.take(Some(ada), MIB).err().expect("she has enough of it");
        assert_eq!((refused.code(), refused.retry_after_secs()), (Code::TooManyRequests, Some(1)));
        assert!(room.take(Some(bob), MIB).is_ok());
        drop(held);
        assert!(room.take(Some(ada), MIB).is_ok());
    }

    #[test]
    fn what_is_taken_apart_counts_as_what_it_takes() {
        let usual = r#"{"event_id":"evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405","kind":"level.done","at":"2026-01-31T09:30:00Z","properties":{"n":1}}"#;
        assert!(weight(&format!("[{}]", vec![usual; 500].join(","))) < 2 * MIB);
        assert!(weight(&r#"{"a":0},"#.repeat(MIB / 2)) > OF_A_REQUEST_KIB * 1024);
        assert_eq!(size_of::<serde_json::Value>(), 32);
    }
}
