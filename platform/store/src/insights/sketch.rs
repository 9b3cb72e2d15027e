//! Histograms that can be added up, and what is read from them.
//!
//! Durations go into buckets whose bounds grow by [`GROWTH`]: bucket *i* holds what is over `GROWTH^(i-1)` and at most `GROWTH^i`
//! milliseconds, and stands for `2·GROWTH^i / (GROWTH + 1)`, which is never more than 2.5 % off (DDSketch: Masson, Rim, Lee,
//! PVLDB 12(12), 2019, section 2.1). Shares of 0 to 1 go into 101 buckets of equal width.

/// How much wider each bucket of durations is than the one before.
const GROWTH: f64 = 1.05;

/// Longer durations count as this: 8 days in milliseconds.
const LONGEST_MS: i64 = 8 * 86_400_000;

/// In which bucket a duration is. Negative ones count as none.
pub(super) fn bucket_of_ms(ms: i64) -> usize {
    let ms = ms.clamp(1, LONGEST_MS) as f64;
    // A sane clamp makes it 0 to 421.
    (ms.ln() / GROWTH.ln()).ceil().max(0.0) as usize
}

/// The duration that a bucket stands for, in milliseconds.
fn ms_of_bucket(bucket: usize) -> f64 {
    2.0 * GROWTH.powf(bucket as f64) / (GROWTH + 1.0)
}

/// In which bucket a share is.
pub(super) fn bucket_of_share(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * 100.0).round() as usize
}

/// How many values each bucket holds; what is beyond the end is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sketch(Vec<i64>);

impl Sketch {
    /// As it is kept.
    pub fn kept(counts: Vec<i64>) -> Self {
        Self(counts)
    }

    /// To be kept.
    pub fn counts(&self) -> &[i64] {
        &self.0
    }

    /// A value more in a bucket, or with −1 one less.
    pub fn count(&mut self, bucket: usize, change: i64) {
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += change;
    }

    /// All values of another one too.
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// The bucket of the value that has `quantile` (0 to 1) of all at or below it (nearest rank); None without values.
    fn bucket_at(&self, quantile: f64) -> Option<usize> {
        let all: i64 = self.0.iter().sum();
        let rank = ((all as f64 * quantile).ceil() as i64).max(1);
        let mut seen = 0;
        self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })
    }

    /// A quantile of durations, in milliseconds, at most 2.5 % off.
    pub fn ms_at(&self, quantile: f64) -> Option<f64> {
        self.bucket_at(quantile).map(ms_of_bucket)
    }

    /// A quantile of shares, at most 0.005 off.
    pub fn share_at(&self, quantile: f64) -> Option<f64> {
        self.bucket_at(quantile).map(|bucket| bucket as f64 / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_comes_back_at_most_a_fortieth_off() {
        for ms in (1..2_000).chain((1..5_000).map(|n| n * 97_003)) {
            let told = ms_of_bucket(bucket_of_ms(ms));
            let kept = ms.min(LONGEST_MS) as f64;
            assert!((told - kept).abs() <= kept * 0.025, "{ms} ms comes back as {told}");
        }
        assert_eq!((bucket_of_ms(-5), bucket_of_ms(0), bucket_of_ms(1)), (0, 0, 0));
        assert!(bucket_of_ms(i64::MAX) < 430);
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut sketch = Sketch::default();
        for ms in 1..=1_000 {
            sketch.count(bucket_of_ms(ms * 10), 1);
        }
        for (quantile, ms) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.99, 9_900.0), (0.0, 10.0), (1.0, 10_000.0)] {
            let told = sketch.ms_at(quantile).unwrap();
            assert!((told - ms).abs() <= ms * 0.026, "{quantile}: {told} is not {ms}");
        }
        assert_eq!(Sketch::default().ms_at(0.5), None);
    }

    #[test]
    fn what_is_taken_back_was_never_there() {
        let mut sketch = Sketch::default();
        sketch.count(bucket_of_share(0.254), 2);
        sketch.count(bucket_of_share(0.9), 1);
        sketch.count(bucket_of_share(0.9), -1);
        let mut both = Sketch::default();
        both.add(&sketch);
        both.add(&sketch);
        assert_eq!(both.share_at(0.99), Some(0.25));
        assert_eq!(both.counts()[25], 4);
    }
}
