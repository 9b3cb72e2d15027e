//! The clock and the chance that the pure rules lack.

use chrono::{DateTime, Utc};
use muster_core::id::Id;
use rand::TryRng;
use rand::rngs::SysRng;

/// The time, in whole milliseconds: what is stored is what was said.
pub fn now() -> DateTime<Utc> {
    muster_core::time::truncate(Utc::now())
}

/// A new id of any kind, from the clock and the thread's generator.
pub fn fresh_id<I: Id>() -> I {
    I::new(now(), rand::random())
}

/// 32 bytes that nobody can guess, straight from the operating system: match seeds, staff tokens.
///
/// # Panics
/// When the operating system has no randomness to give: nothing secret may be made then.
pub fn fresh_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    SysRng.try_fill_bytes(&mut secret).expect("the operating system gives random bytes");
    secret
}
