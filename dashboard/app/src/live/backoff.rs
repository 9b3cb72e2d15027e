//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// Doubles from half a second to fifteen, of which the upper half is drawn by `chance` (0 to 1), so that the browsers of
/// a whole team do not come back in step after a restart.
pub(crate) fn delay(attempt: u32, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16)));
    let full = doubled.min(LONGEST);
    full / 2 + (full / 2).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_a_bound() {
        let full: Vec<_> = (1..=8).map(|attempt| delay(attempt, 1.0).as_millis()).collect();
        assert_eq!(full, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        assert_eq!(delay(u32::MAX, 1.0), LONGEST);
    }

    #[test]
    fn chance_draws_the_upper_half() {
        assert_eq!(delay(3, 0.0), Duration::from_secs(1));
        assert_eq!(delay(3, 0.5), Duration::from_millis(1_500));
        assert_eq!(delay(3, 7.0), Duration::from_secs(2));
    }
}
