//! How long things took, of which nobody wants the mean.

use serde::Serialize;

/// Milliseconds, by nearest rank; zeros when there is nothing to rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half is no longer.
    pub p50: f64,
    /// 95 of 100 are no longer.
    pub p95: f64,
    /// 99 of 100 are no longer.
    pub p99: f64,
    /// 999 of 1,000 are no longer.
    #[serde(rename = "p99.9")]
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    /// Of microseconds in any order.
    pub fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        // Nearest rank in thousandths, on integers: 0.999 × 1,000 is a little more than 999 for a float.
        let rank = |thousandths: usize| {
            let at = (micros.len() * thousandths).div_ceil(1_000);
            // Hundredths of a millisecond are what a busy machine can tell apart.
            micros.get(at.saturating_sub(1)).map_or(0.0, |micros| (*micros as f64 / 10.0).round() / 100.0)
        };
        Self { p50: rank(500), p95: rank(950), p99: rank(990), p99_9: rank(999), max: rank(1_000) }
    }
}

/// A number to thousandths.
pub fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let micros: Vec<u64> = (1..=1000).rev().map(|milli| milli * 1000).collect();
        let of_a_thousand = Percentiles { p50: 500.0, p95: 950.0, p99: 990.0, p99_9: 999.0, max: 1000.0 };
        assert_eq!(Percentiles::of(micros), of_a_thousand);
        let one = 1.24;
        assert_eq!(Percentiles::of(vec![1_236]), Percentiles { p50: one, p95: one, p99: one, p99_9: one, max: one });
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
        assert_eq!(serde_json::to_value(Percentiles::default()).unwrap()["p99.9"], 0.0);
    }
}
