//! The result: JSON for programs, a table for people.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Case, estimates::Median};
use crate::{machine::Machine, output};

/// What was measured.
#[derive(Debug)]
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// `release`, or `debug` whose figures mean nothing.
    pub build: &'static str,
    /// By case.
    pub cases: BTreeMap<String, Median>,
    /// By case, where it makes matches.
    pub pools: BTreeMap<String, Pool>,
}

/// A line of the benchmark's facts.
#[derive(Debug, Deserialize)]
pub struct CheckedPool {
    /// Which case.
    pub case: String,
    /// What was made of its pool.
    #[serde(flatten)]
    pub pool: Pool,
}

/// What was made of a pool before it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// The tickets that waited.
    pub tickets: u64,
    /// Their players.
    pub players: u64,
    /// The matches of a pass.
    pub matches: u64,
    /// Their players.
    pub matched_players: u64,
    /// How even they are: 0 to 1.
    pub mean_quality: Option<f64>,
    /// How long the first pass took, which no other had prepared; once measured, so only a hint.
    pub first_pass_ns: Option<u64>,
    /// Rules that a naive check found broken.
    pub violations: u64,
}

impl Report {
    /// Broken rules of all cases.
    pub fn violations(&self) -> u64 {
        self.pools.values().map(|pool| pool.violations).sum()
    }

    /// One object: `cases` has the median nanoseconds by case.
    pub fn print_json(&self) -> Result<()> {
        let cases: BTreeMap<&String, f64> =
            self.cases.iter().map(|(case, median)| (case, round(median.nanos))).collect();
        let between: BTreeMap<&String, [f64; 2]> = self
            .cases
            .iter()
            .map(|(case, median)| (case, [round(median.between.0), round(median.between.1)]))
            .collect();
        let object = json!({
            "machine": self.machine,
            "build": self.build,
            "cases": cases,
            "between": between,
            "pools": self.pools,
        });
        output::line(serde_json::to_string_pretty(&object).context("the report is JSON")?);
        Ok(())
    }

    /// Two tables: how long, and what was made.
    pub fn print_table(&self, cases: &[Case]) {
        output::line(format_args!("\n{} ({} build)\n", self.machine.line(), self.build));
        output::line(format_args!("{:<27} {:>11} {:>25}   bar", "case", "median", "95 % between"));
        for case in cases {
            let Some(median) = self.cases.get(&case.name()) else { continue };
            let bar = case.bar().map_or_else(String::new, |bar| {
                format!("≤ {} {}", spoken(bar), if median.nanos <= bar { "met" } else { "MISSED" })
            });
            let between = format!("{} – {}", spoken(median.between.0), spoken(median.between.1));
            output::line(format_args!("{:<27} {:>11} {between:>25}   {bar}", case.name(), spoken(median.nanos)));
        }
        if self.pools.is_empty() {
            return;
        }
        output::line(format_args!(
            "\n{:<27} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>7}",
            "pool", "tickets", "players", "matches", "matched", "quality", "first pass", "broken"
        ));
        for case in cases {
            let Some(pool) = self.pools.get(&case.name()) else { continue };
            output::line(format_args!(
                "{:<27} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>7}",
                case.name(),
                pool.tickets,
                pool.players,
                pool.matches,
                pool.matched_players,
                pool.mean_quality.map_or_else(|| "-".to_owned(), |quality| format!("{quality:.3}")),
                pool.first_pass_ns.map_or_else(|| "-".to_owned(), |nanos| spoken(nanos as f64)),
                pool.violations
            ));
        }
    }
}

/// To tenths: a median of criterion's is no more exact.
fn round(nanos: f64) -> f64 {
    (nanos * 10.0).round() / 10.0
}

/// With three digits and the unit that makes them few.
fn spoken(nanos: f64) -> String {
    let (number, unit) = match nanos {
        ..1e3 => (nanos, "ns"),
        1e3..1e6 => (nanos / 1e3, "µs"),
        1e6..1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let spoken = [812.4, 2e3, 45_678.0, 1.5e6, 50e6, 2.25e9].map(spoken);
        assert_eq!(spoken, ["812 ns", "2.00 µs", "45.7 µs", "1.50 ms", "50.0 ms", "2.25 s"]);
    }

    #[test]
    fn the_benchmarks_lines_are_understood() {
        let line = r#"{"case":"pass_1000_any","first_pass_ns":120944,"matched_players":1000,"matches":500,
            "mean_quality":0.99,"players":1000,"tickets":1000,"violations":0}"#;
        let CheckedPool { case, pool } = serde_json::from_str(line).unwrap();
        assert_eq!((case.as_str(), pool.matches, pool.violations), ("pass_1000_any", 500, 0));
    }
}
