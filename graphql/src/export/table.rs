//! An answer as columns.

use chrono::{DateTime, NaiveDate, Utc};

/// Columns of the same length.
pub(super) struct Table {
    pub columns: Vec<(&'static str, Values)>,
}

/// The values of a column; None is empty.
pub(super) enum Values {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Day(Vec<Option<NaiveDate>>),
    Time(Vec<Option<DateTime<Utc>>>),
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Day(values) => values.len(),
            Self::Time(values) => values.len(),
        }
    }
}

impl Table {
    /// One that has no columns yet.
    pub fn new() -> Self {
        Self { columns: Vec::new() }
    }

    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    pub fn text<T>(mut self, name: &'static str, rows: &[T], of: impl Fn(&T) -> Option<String>) -> Self {
        self.columns.push((name, Values::Text(rows.iter().map(of).collect())));
        self
    }

    pub fn whole<T>(mut self, name: &'static str, rows: &[T], of: impl Fn(&T) -> Option<u64>) -> Self {
        let whole = |row| of(row).map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        self.columns.push((name, Values::Whole(rows.iter().map(whole).collect())));
        self
    }

    pub fn number<T>(mut self, name: &'static str, rows: &[T], of: impl Fn(&T) -> Option<f64>) -> Self {
        self.columns.push((name, Values::Number(rows.iter().map(of).collect())));
        self
    }

    pub fn day<T>(mut self, name: &'static str, rows: &[T], of: impl Fn(&T) -> Option<NaiveDate>) -> Self {
        self.columns.push((name, Values::Day(rows.iter().map(of).collect())));
        self
    }

    pub fn time<T>(mut self, name: &'static str, rows: &[T], of: impl Fn(&T) -> Option<DateTime<Utc>>) -> Self {
        self.columns.push((name, Values::Time(rows.iter().map(of).collect())));
        self
    }
}
