//! How often a sign-in may be tried: per account and network address, and by everybody together.
//!
//! The limits are this process's own; with N replicas an attacker who reaches all of them has N times as many tries.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Counts sign-in attempts.
pub struct Attempts {
    by_account: DefaultKeyedRateLimiter<u64>,
    total: DefaultDirectRateLimiter,
    hasher: RandomState,
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// Too many for this account from this address.
    AccountLimited,
    /// Too many by everybody together.
    TotalLimited,
}

impl Attempts {
    /// Limits per minute; a burst may use a whole minute's worth at once. Zero counts as one.
    pub fn new(per_account: u32, total: u32) -> Self {
        let per_minute = |n: u32| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            by_account: RateLimiter::dashmap(per_minute(per_account)),
            total: RateLimiter::direct(per_minute(total)),
            hasher: RandomState::new(),
        }
    }

    /// Counts one attempt. The account's own limit comes first, so that hammering one account does not use up everybody's.
    pub fn admit(&self, email: &str, address: IpAddr) -> Verdict {
        // A keyed hash instead of the text: the table holds no e-mail address and its entries are of one small size.
        let key = self.hasher.hash_one((email.trim().to_lowercase(), address));
        if self.by_account.check_key(&key).is_err() {
            return Verdict::AccountLimited;
        }
        match self.total.check() {
            Ok(()) => Verdict::Allowed,
            Err(_) => Verdict::TotalLimited,
        }
    }

    /// Forgets accounts whose limit is whole again; call it now and then, or the table only grows.
    pub fn forget_idle(&self) {
        self.by_account.retain_recent();
        self.by_account.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn an_account_is_limited_for_one_address_only() {
        let attempts = Attempts::new(2, 100);
        assert_eq!(attempts.admit("a@example.test", HERE), Verdict::Allowed);
        assert_eq!(attempts.admit(" A@Example.test", HERE), Verdict::Allowed);
        assert_eq!(attempts.admit("a@example.test", HERE), Verdict::AccountLimited);
        assert_eq!(attempts.admit("a@example.test", THERE), Verdict::Allowed);
        assert_eq!(attempts.admit("b@example.test", HERE), Verdict::Allowed);
    }

    #[test]
    fn everybody_together_is_limited_too() {
        let attempts = Attempts::new(2, 3);
        for name in ["a", "b", "c"] {
            assert_eq!(attempts.admit(name, HERE), Verdict::Allowed);
        }
        assert_eq!(attempts.admit("d", HERE), Verdict::TotalLimited);
    }
}
