//! The result: JSON for programs, a table for people.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::{Context, Result};
use serde::Serialize;

use super::figures::Figures;
use crate::{machine::Machine, output};

/// What was measured, and on what.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// `release`, or `debug` whose figures mean nothing.
    pub build: &'static str,
    /// The services' versions and how carefully they write.
    pub services: BTreeMap<&'static str, String>,
    /// Settings of the server that are not its defaults.
    pub settings: BTreeMap<String, String>,
    /// Which players, and when they did something.
    pub seed: u64,
    /// Time between two passes of matchmaking, in milliseconds.
    pub tick_ms: f64,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Report {
    /// One object.
    pub fn print_json(&self) -> Result<()> {
        output::line(serde_json::to_string_pretty(self).context("the report is JSON")?);
        Ok(())
    }

    /// On what it was measured, and what.
    pub fn print_head(&self, what: impl Display) {
        output::line(format_args!("\n{} ({} build)", self.machine.line(), self.build));
        let services: Vec<String> = self.services.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        output::line(services.join("; "));
        output::line(format_args!("{what}, queue {}, seed {}\n", self.figures.text("queue"), self.seed));
        output::line(format_args!(
            "{:<18} {:>9} {:>9} {:>9} {:>9} {:>9}   bar (p99)",
            "ms", "p50", "p95", "p99", "p99.9", "max"
        ));
    }

    /// Some percentiles, and the bar of the 99th where there is one.
    pub fn print_percentiles(&self, what: &str, name: &str, limit: Option<f64>) {
        let one = |which| self.figures.percentile(name, which).unwrap_or_default();
        let bar = limit.map_or_else(String::new, |limit| bar(one("p99"), limit, "ms"));
        output::line(format_args!(
            "{what:<18} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1}   {bar}",
            one("p50"),
            one("p95"),
            one("p99"),
            one("p99.9"),
            one("max"),
        ));
    }

    /// Broken rules, refusals, lost sockets.
    pub fn print_troubles(&self) {
        line("rules broken", self.figures.violations());
        for example in self.figures.texts("violation_examples") {
            line("", example);
        }
        for (what, name) in [("refused", "refused"), ("sockets lost", "sockets_lost")] {
            for (reason, count) in self.figures.counts(name) {
                line(what, format_args!("{count} ({reason})"));
            }
        }
    }

    /// How busy all of the machine was.
    pub fn print_machine_busy(&self) {
        if let Some(busy) = self.figures.number("machine_busy") {
            line("machine busy", format_args!("{:.0} %", busy * 100.0));
        }
    }
}

/// A figure and its name.
pub fn line(what: &str, value: impl Display) {
    output::line(format_args!("{what:<28} {value}"));
}

/// A bar, and whether it is met.
pub fn bar(value: f64, limit: f64, unit: &str) -> String {
    format!("≤ {limit} {unit} {}", if value <= limit { "met" } else { "MISSED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_say_whether_they_are_met() {
        assert_eq!(bar(50.0, 50.0, "ms"), "≤ 50 ms met");
        assert_eq!(bar(50.1, 50.0, "ms"), "≤ 50 ms MISSED");
    }
}
