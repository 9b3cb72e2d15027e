//! Histograms that can be added up, and what is read from them.
//!
//! Durations go into buckets whose bounds grow by [`GROWTH`]: bucket *i* holds what is over `GROWTH^(i-1)` and at most `GROWTH^i`
//! milliseconds, and stands for `2·GROWTH^i / (GROWTH + 1)`, which is never more than 2.5 % off (DDSketch: Masson, Rim, Lee,
//! PVLDB 12(12), 2019, section 2.1). Shares of 0 to 1 go into 101 buckets of equal width.

use crate::{Result, StoreError};

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
    /// As it is kept in an array.
    pub fn kept(counts: Vec<i64>) -> Self {
        Self(counts)
    }

    /// All that [`Self::packed`] wrote too.
    ///
    /// # Errors
    /// It is no such thing.
    pub fn add_packed(&mut self, packed: &[u8]) -> Result<()> {
        let (entries, rest) = packed.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(StoreError::corrupt("a histogram", "its last entry is cut off"));
        }
        for [a, b, c, d, e, f] in entries {
            let bucket = usize::try_from(i16::from_be_bytes([*a, *b]));
            let bucket = bucket.map_err(|_| StoreError::corrupt("a histogram", "it has a bucket below 0"))?;
            self.count(bucket, i32::from_be_bytes([*c, *d, *e, *f]).into());
        }
        Ok(())
    }

    /// In few bytes: those buckets that hold something. Several of these, one after the other, are their sum.
    pub fn packed(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        for (bucket, count) in (0_i16..).zip(&self.0) {
            let mut left = *count;
            // An entry tells of two thousand million at most; a bucket may have several.
            while left != 0 {
                let some = i32::try_from(left).unwrap_or(if left < 0 { i32::MIN } else { i32::MAX });
                packed.extend(bucket.to_be_bytes());
                packed.extend(some.to_be_bytes());
                left -= i64::from(some);
            }
        }
        packed
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

    #[test]
    fn a_packed_sketch_comes_back_and_adds_up() {
        let mut sketch = Sketch::kept(vec![0, 3, 0, -2, 9_000_000_000, 0, i64::from(i32::MIN) * 2]);
        let packed = sketch.packed();
        assert_eq!(packed.len(), 6 * (1 + 1 + 5 + 2));
        let mut back = Sketch::default();
        back.add_packed(&packed).unwrap();
        assert_eq!(back, sketch);
        sketch.add(&back);
        back = Sketch::default();
        back.add_packed(&[&*packed, &*packed].concat()).unwrap();
        assert_eq!(back, sketch);
        assert!(Sketch::default().packed().is_empty());
        assert!(Sketch::default().add_packed(&packed[..7]).is_err());
        assert!(Sketch::default().add_packed(&[0xff; 6]).is_err());
    }
}
