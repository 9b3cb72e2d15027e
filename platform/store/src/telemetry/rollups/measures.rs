//! The numbers that events carry, as their types name them.

use std::collections::BTreeMap;

use bigdecimal::{BigDecimal, Zero};
use serde_json::value::RawValue;
use sqlx::PgConnection;

use super::{Map, Row};
use crate::{Result, StoreError};

/// Which numbers the events of a kind carry.
pub(in crate::telemetry) struct Measures(Map<String, Vec<String>>);

impl Measures {
    /// As the transaction sees them.
    pub async fn read(transaction: &mut PgConnection) -> Result<Self> {
        let mut by_kind: Map<String, Vec<String>> = Map::default();
        for row in sqlx::query!("SELECT kind, measure FROM telemetry.measures").fetch_all(transaction).await? {
            by_kind.entry(row.kind).or_default().push(row.measure);
        }
        Ok(Self(by_kind))
    }

    /// Those that an event has, by name. What is no number is left out.
    pub(super) fn of<'a>(&'a self, row: &Row<'_>) -> Result<Vec<(&'a str, Number)>> {
        let Some(names) = self.0.get(&*row.kind) else { return Ok(Vec::new()) };
        let properties: BTreeMap<String, &RawValue> =
            serde_json::from_str(row.properties.get()).map_err(|error| unreadable(&error))?;
        let numbers = names.iter().filter_map(|name| {
            let text = properties.get(name)?.get();
            text.starts_with(|first: char| first == '-' || first.is_ascii_digit()).then_some((name, text))
        });
        numbers.map(|(name, text)| Ok((name.as_str(), Number::read(text)?))).collect()
    }
}

fn unreadable(reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::corrupt("the properties of a telemetry event", reason)
}

/// A number as JSON has it, to the last digit.
pub(super) struct Number {
    value: BigDecimal,
    bucket: i32,
}

impl Number {
    /// Of the size of some double, as everything is that came by HTTP: `1e131071` is a number to PostgreSQL, and its digits would
    /// fill a page.
    fn read(text: &str) -> Result<Self> {
        let about: f64 = text.parse().map_err(|error| unreadable(&error))?;
        let value: BigDecimal = text.parse().map_err(|error| unreadable(&error))?;
        match (about == 0.0, value.is_zero()) {
            (true, true) => Ok(Self { value: BigDecimal::zero(), bucket: 0 }),
            (false, false) if about.is_finite() => Ok(Self { value, bucket: bucket_of(about) }),
            _ => Err(unreadable(&format_args!("{text} is not of the size of any double"))),
        }
    }
}

/// Each bucket ends where it is so much larger than the one before.
const GROWTH: f64 = 1.02;
/// Where the first one begins: a thousandth.
const SMALLEST: f64 = 0.001;
const LARGEST: f64 = 1e300;

/// Numbers by size, for percentiles within 1 %: bucket b > 0 holds (1.02^(b-1), 1.02^b] thousandths, bucket -b the same below zero, and
/// bucket 0 what is closer to zero than a thousandth. The same as `telemetry.bucket_of`.
fn bucket_of(number: f64) -> i32 {
    let size = number.abs().min(LARGEST);
    if size < SMALLEST {
        return 0;
    }
    let bucket = ((size * 1_000.0).ln() / GROWTH.ln()).ceil().max(1.0);
    (bucket * number.signum()) as i32
}

/// The number that stands for a bucket: its middle, by ratio. None in it is more than 1 % off, up to [`LARGEST`]; in bucket 0, a thousandth.
pub(crate) fn middle_of_bucket(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let size = GROWTH.powf(f64::from(bucket.unsigned_abs()) - 0.5) * SMALLEST;
    size * f64::from(bucket.signum())
}

/// The numbers of a measure in an hour: one or more.
pub(super) struct Numbers {
    pub samples: i64,
    pub sum: BigDecimal,
    pub min: BigDecimal,
    pub max: BigDecimal,
    pub buckets: Map<i32, i64>,
}

impl Numbers {
    pub fn first(Number { value, bucket }: Number) -> Self {
        let buckets = std::iter::once((bucket, 1)).collect();
        Self { samples: 1, sum: value.clone(), min: value.clone(), max: value, buckets }
    }

    pub fn add(&mut self, Number { value, bucket }: Number) {
        self.samples += 1;
        self.sum += &value;
        *self.buckets.entry(bucket).or_default() += 1;
        if value < self.min {
            self.min = value;
        } else if value > self.max {
            self.max = value;
        }
    }
}
