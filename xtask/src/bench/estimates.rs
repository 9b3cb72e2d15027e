//! What criterion writes down for a case.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The median of a case, in nanoseconds for each iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The estimate.
    pub nanos: f64,
    /// It lies between these with 95 % confidence.
    pub between: (f64, f64),
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// The median of the newest run of the case in this folder.
///
/// # Errors
/// When it was not measured.
pub fn median(case: &Path) -> Result<Median> {
    let path = case.join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not what criterion writes", path.display()))
}

fn parse(text: &str) -> Result<Median> {
    let Estimates { median } = serde_json::from_str(text)?;
    let interval = median.confidence_interval;
    Ok(Median { nanos: median.point_estimate, between: (interval.lower_bound, interval.upper_bound) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_median_and_nothing_else() {
        let text = r#"{"mean":{"point_estimate":9.0},"median":{"confidence_interval":{"confidence_level":0.95,
            "lower_bound":800.5,"upper_bound":830.0},"point_estimate":812.25,"standard_error":5.0},"slope":null}"#;
        assert_eq!(parse(text).unwrap(), Median { nanos: 812.25, between: (800.5, 830.0) });
        assert!(parse("{}").is_err());
    }
}
