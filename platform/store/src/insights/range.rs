//! What a question is asked of: which days, and which part of the players.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::StoreError;

/// The most days of one question.
pub const MAX_DAYS: i64 = 92;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It cannot be answered as it was asked; says what can.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl AskError {
    pub(super) fn invalid<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self::Invalid(reason.into()))
    }
}

/// 1 to [`MAX_DAYS`] days of UTC, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    from: NaiveDate,
    to: NaiveDate,
}

impl Days {
    /// From a day to another one, both included.
    ///
    /// # Errors
    /// They are the wrong way round, more than [`MAX_DAYS`], or in no year from 2000 to 2200.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, AskError> {
        use chrono::Datelike;
        let days = (to - from).num_days() + 1;
        if days < 1 {
            return AskError::invalid(format!("from ({from}) has to be before to ({to}), or the same day"));
        }
        if days > MAX_DAYS {
            return AskError::invalid(format!("{days} days are too many: ask for {MAX_DAYS} at most"));
        }
        if from.year() < 2000 || to.year() > 2200 {
            return AskError::invalid("days have to be between the years 2000 and 2200");
        }
        Ok(Self { from, to })
    }

    /// The first.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The last.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    /// How many.
    pub fn count(self) -> usize {
        usize::try_from((self.to - self.from).num_days() + 1).unwrap_or(1)
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take(self.count())
    }

    /// Its moments, the end not included.
    pub fn span(self) -> Span {
        Span { from: midnight(self.from), to: midnight(self.to + TimeDelta::days(1)) }
    }

    /// The same and so many days after.
    pub(super) fn reaching_on(self, days: i64) -> Self {
        Self { from: self.from, to: self.to + TimeDelta::days(days) }
    }

    /// The same and so many days before.
    pub(super) fn reaching_back(self, days: i64) -> Self {
        Self { from: self.from - TimeDelta::days(days), to: self.to }
    }
}

/// The beginning of a day.
pub(super) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// A span of time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From here.
    pub from: DateTime<Utc>,
    /// To here, not included.
    pub to: DateTime<Utc>,
}

impl Span {
    /// Refuses spans that are empty, backwards or longer than `longest`.
    pub(super) fn check(self, longest: TimeDelta) -> Result<(), AskError> {
        let length = self.to - self.from;
        if length <= TimeDelta::zero() {
            return AskError::invalid("from has to be before to");
        }
        if length > longest {
            let hours = longest.num_hours();
            return AskError::invalid(format!("from and to may be {hours} hours apart at most: choose a shorter span"));
        }
        Ok(())
    }
}

/// Which part of the players, sessions and so on is meant; what is not named is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// Only of this region.
    pub region: Option<String>,
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only with this build.
    pub build: Option<String>,
}

/// What answers can be told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// The region.
    Region,
    /// The platform.
    Platform,
    /// The build of the client.
    Build,
    /// The season that it was in; what was in none is left out.
    Season,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_bounded() {
        let days = Days::new(day("2026-01-30"), day("2026-02-02")).unwrap();
        assert_eq!(days.count(), 4);
        assert_eq!(days.each().last(), Some(day("2026-02-02")));
        assert_eq!(days.span().to, midnight(day("2026-02-03")));
        assert_eq!(days.reaching_back(29).from(), day("2026-01-01"));
        assert_eq!(Days::new(day("2026-01-01"), day("2026-01-01")).unwrap().count(), 1);
        for (from, to, says) in [
            ("2026-01-02", "2026-01-01", "before"),
            ("2026-01-01", "2026-04-03", "93 days are too many"),
            ("1999-12-31", "2000-01-01", "years"),
        ] {
            let refused = Days::new(day(from), day(to)).unwrap_err().to_string();
            assert!(refused.contains(says), "{refused}");
        }
        assert!(Days::new(day("2026-01-01"), day("2026-04-02")).is_ok());
    }
}
