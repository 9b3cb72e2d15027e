//! What the next hours will bring, from the last two weeks.
//!
//! Seasonal naive with a level: the mean of the same moment one and two weeks ago, times how the last hour compares with the
//! same hour then (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2). Players keep a
//! weekly rhythm; the level follows what a week ago could not know, such as a campaign. Where there is no week yet, days stand
//! in for weeks.

use jiff::{SignedDuration, Timestamp};

/// Samples at equal distances, oldest first; a gap is `None`.
#[derive(Debug, Clone)]
pub struct History {
    /// The moment of the first sample.
    pub start: Timestamp,
    /// Their distance, seconds.
    pub step: i64,
    /// Players connected.
    pub samples: Vec<Option<f64>>,
}

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The most players within the horizon.
    pub peak: f64,
    /// How far the forecasts of the last day were off on average, as a part of what came (weighted absolute percentage
    /// error: the sum of errors over the sum of what came). `None` when nobody came, or there is too little to compare with.
    pub error: Option<f64>,
}

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
const HOUR: i64 = 3_600;

impl History {
    fn at(&self, second: i64) -> Option<f64> {
        let index = (second - self.start.as_second()).div_euclid(self.step);
        *self.samples.get(usize::try_from(index).ok()?)?
    }

    /// The mean of the seasons before `second` that have a sample.
    fn season(&self, second: i64, known_until: i64) -> Option<f64> {
        let mean = |seasons: &[i64]| {
            let known: Vec<f64> = seasons
                .iter()
                .map(|back| second - back)
                .filter(|at| *at <= known_until)
                .filter_map(|at| self.at(at))
                .collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        mean(&[WEEK, 2 * WEEK]).or_else(|| mean(&[DAY, 2 * DAY, 3 * DAY]))
    }

    /// How the hour before `now` compares with its seasons, between a third and three.
    fn level(&self, now: i64) -> f64 {
        let (mut came, mut expected) = (0.0, 0.0);
        let mut at = now - HOUR;
        while at <= now {
            if let (Some(sample), Some(season)) = (self.at(at), self.season(at, now)) {
                came += sample;
                expected += season;
            }
            at += self.step;
        }
        if expected > 0.0 { f64::clamp(came / expected, 1.0 / 3.0, 3.0) } else { 1.0 }
    }

    /// What would have been forecast at `now` for `ahead` seconds later.
    fn point(&self, now: i64, ahead: i64) -> Option<f64> {
        Some(self.season(now + ahead, now)? * self.level(now))
    }

    /// What is to be expected within `horizon` after `now`. `None` without a single season.
    pub fn forecast(&self, now: Timestamp, horizon: SignedDuration) -> Option<Forecast> {
        let (now, horizon) = (now.as_second(), horizon.as_secs().max(self.step));
        let mut peak: Option<f64> = None;
        let mut ahead = self.step;
        while ahead <= horizon {
            if let Some(point) = self.point(now, ahead) {
                peak = Some(peak.map_or(point, |peak| peak.max(point)));
            }
            ahead += self.step;
        }
        peak.map(|peak| Forecast { peak, error: self.error(now, horizon) })
    }

    /// Forecasts of the last day, made as this one is, against what came.
    fn error(&self, now: i64, horizon: i64) -> Option<f64> {
        let (mut off, mut came) = (0.0, 0.0);
        let mut at = now - DAY;
        while at <= now {
            if let (Some(sample), Some(point)) = (self.at(at), self.point(at - horizon, horizon)) {
                off += (sample - point).abs();
                came += sample;
            }
            at += self.step;
        }
        (came > 0.0).then(|| off / came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 300;

    /// Two weeks and a day of an evening rhythm; weekends twice as full.
    fn rhythm(level: impl Fn(i64) -> f64) -> (History, Timestamp) {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let samples = (0..15 * DAY / STEP)
            .map(|n| {
                let second = n * STEP;
                let hour = (second % DAY) as f64 / HOUR as f64;
                let weekend = if (second / DAY) % 7 >= 5 { 2.0 } else { 1.0 };
                Some(level(second) * weekend * 1000.0 * (1.2 + (hour / 24.0 * std::f64::consts::TAU).sin()))
            })
            .collect::<Vec<_>>();
        let now = start + SignedDuration::from_secs(15 * DAY - STEP);
        (History { start, step: STEP, samples }, now)
    }

    #[test]
    fn a_rhythm_is_foretold() {
        let (history, now) = rhythm(|_| 1.0);
        let forecast = history.forecast(now, SignedDuration::from_hours(6)).unwrap();
        // Six hours after midnight the wave is at its top.
        assert!((forecast.peak - 2200.0).abs() < 60.0, "{forecast:?}");
        assert!(forecast.error.unwrap() < 0.02, "{forecast:?}");
    }

    #[test]
    fn a_new_level_is_followed_and_its_error_shown() {
        let (history, now) = rhythm(|second| if second >= 14 * DAY + 12 * HOUR { 1.5 } else { 1.0 });
        let forecast = history.forecast(now, SignedDuration::from_hours(6)).unwrap();
        assert!((forecast.peak - 3300.0).abs() < 150.0, "{forecast:?}");
        assert!(forecast.error.unwrap() > 0.05, "half a day was off: {forecast:?}");
    }

    #[test]
    fn too_little_is_no_forecast() {
        let history =
            History { start: Timestamp::from_second(1_800_000_000).unwrap(), step: STEP, samples: vec![Some(5.0); 12] };
        assert_eq!(
            history.forecast(history.start + SignedDuration::from_hours(1), SignedDuration::from_hours(1)),
            None
        );
        let gaps = History { samples: vec![None; 5000], ..history };
        assert_eq!(gaps.forecast(gaps.start + SignedDuration::from_hours(400), SignedDuration::from_hours(1)), None);
    }
}
