//! How often somebody may ask.
//!
//! | limit | whose | what counts |
//! | --- | --- | --- |
//! | `gateway.messages_per_second` | one socket's | every frame, pings too; one that goes over it is closed |
//! | `gateway.requests_per_second` | one player's | requests over HTTP about tickets and blocks |
//! | both together | one player's | every message of all their sockets, and every request over HTTP but telemetry |
//! | `gateway.events_per_second` | one player's | every event of telemetry, and every request with such |
//! | `gateway.trusted_events_per_second` | one service key's | the same |
//! | one, ten at once | one service key's | closing and opening regions |
//!
//! Each gateway counts for itself: a player has one socket over all of them, and asking Redis before each move would cost more
//! than the move.

use std::hash::Hash;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{ApiError, Code};
use crate::events;

/// The limit of one kind of request, by who asks.
pub type Limit<Key> = DefaultKeyedRateLimiter<Key>;

/// So many a second, with a burst of `burst` seconds' worth. The settings allow no 0; one would count as 1.
pub fn quota(per_second: u32, burst: u32) -> Quota {
    let positive = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(positive(per_second)).allow_burst(positive(per_second.saturating_mul(burst)))
}

/// A limit for each key.
pub fn keyed<Key: Hash + Eq + Clone>(per_second: u32, burst: u32) -> Limit<Key> {
    RateLimiter::keyed(quota(per_second, burst))
}

/// Counts something that a socket asks.
///
/// # Errors
/// `too_many_requests`, with when to come back.
pub fn count<Key: Hash + Eq + Clone>(limit: &Limit<Key>, key: &Key) -> Result<(), ApiError> {
    limit.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        ApiError::from(Code::TooManyRequests).retry_after(wait.as_secs() + 1)
    })
}

/// Counts a request over HTTP.
///
/// # Errors
/// `too_many_requests`, with when to come back.
pub fn check<Key: Hash + Eq + Clone>(limit: &Limit<Key>, key: &Key) -> Result<(), ApiError> {
    count(limit, key).inspect_err(|_| events::refused("http", Code::TooManyRequests))
}
