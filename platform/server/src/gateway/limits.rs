//! How often somebody may ask.

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

/// Counts a request over HTTP.
///
/// # Errors
/// `too_many_requests`, with when to come back.
pub fn check<Key: Hash + Eq + Clone>(limit: &Limit<Key>, key: &Key) -> Result<(), ApiError> {
    limit.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        events::refused("http", Code::TooManyRequests);
        ApiError::from(Code::TooManyRequests).retry_after(wait.as_secs() + 1)
    })
}
