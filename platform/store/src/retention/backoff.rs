//! When a job that failed is tried again.

use std::time::Duration;

use chrono::{DateTime, Utc};

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// 5 s after the first attempt, twice as long after each further one, an hour at most; 20 % sooner or later by `chance`
/// (0 to 1), so that jobs that failed together do not come back together.
pub(super) fn retry_at(now: DateTime<Utc>, attempt: u32, chance: f64) -> DateTime<Utc> {
    let doublings = attempt.saturating_sub(1).min(16);
    let delay = (FIRST * 2_u32.pow(doublings)).min(LONGEST);
    now + delay.mul_f64(0.8 + 0.4 * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_an_hour() {
        let now = DateTime::UNIX_EPOCH;
        let delays = [1, 2, 3, 10, 11, 50, u32::MAX].map(|attempt| (retry_at(now, attempt, 0.5) - now).num_seconds());
        assert_eq!(delays, [5, 10, 20, 2560, 3600, 3600, 3600]);
        assert_eq!((retry_at(now, 1, 0.0) - now).num_milliseconds(), 4000);
        assert_eq!((retry_at(now, 1, 1.0) - now).num_milliseconds(), 6000);
    }
}
