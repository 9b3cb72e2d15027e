//! What one process remembers of its rotations beside the status. Losing it costs a few questions.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::layout::Layout;

/// By uid of the SecretRotation.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<String, Known>>);

#[derive(Default, Clone, Copy)]
struct Known {
    /// What the target Secret should hold under a layout, as a fingerprint.
    expected: Option<(Layout, [u8; 32])>,
    /// How soon the leases must be looked after again.
    look_again: Option<Duration>,
}

/// Rotations that are remembered; more than any cluster has.
const MOST: usize = 10_000;

impl Memory {
    /// What the Secret should hold under `layout`, where that is known.
    pub fn expected(&self, uid: &str, layout: Layout) -> Option<[u8; 32]> {
        self.with(uid, |known| known.expected.filter(|(of, _)| *of == layout).map(|(_, fingerprint)| fingerprint))
    }

    /// Remembers it.
    pub fn remember(&self, uid: &str, layout: Layout, fingerprint: [u8; 32]) {
        self.with(uid, |known| known.expected = Some((layout, fingerprint)));
    }

    /// Remembers how soon leases must be looked after.
    pub fn look_again(&self, uid: &str, after: Option<Duration>) {
        self.with(uid, |known| known.look_again = after);
    }

    /// How soon leases must be looked after.
    pub fn look_again_after(&self, uid: &str) -> Option<Duration> {
        self.with(uid, |known| known.look_again)
    }

    /// Forgets a rotation that is gone.
    pub fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        // Each change is one assignment, so the map is whole even if a holder panicked.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(uid) {
            known.clear();
        }
        change(known.entry(uid.to_owned()).or_default())
    }
}
