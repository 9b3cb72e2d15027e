//! The result: JSON for programs, a table for people.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use super::figures::{Figures, Percentiles};
use crate::{machine::Machine, output};

/// How long an acknowledgement may take, in milliseconds: 99 of 100.
const ACK_BAR: f64 = 50.0;
/// How long a match may take beyond one tick, in milliseconds: 99 of 100.
const MATCHED_BAR: f64 = 100.0;
/// What a ticket may cost the server, in microseconds of processor time.
const CPU_BAR: f64 = 100.0;

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
    /// Which players.
    pub seed: u64,
    /// Players who warmed the server up.
    pub warm_up: u32,
    /// Time between two passes, in milliseconds.
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

    /// A table, with what should be reached.
    pub fn print_table(&self) {
        let figures = &self.figures;
        let how = match figures.rate {
            Some(rate) => format!("{rate} tickets a second by the clock, {} players", figures.players),
            None => format!("{} players at one moment", figures.players),
        };
        output::line(format_args!("\n{} ({} build)", self.machine.line(), self.build));
        let services: Vec<String> = self.services.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        output::line(services.join("; "));
        output::line(format_args!("{how}, queue {}, seed {}\n", figures.queue, self.seed));
        output::line(format_args!("{:<18} {:>10} {:>10} {:>10} {:>10}   bar (p99)", "ms", "p50", "p95", "p99", "max"));
        row("acknowledged", figures.ack_ms, ACK_BAR);
        row("matched", figures.matched_ms, self.tick_ms + MATCHED_BAR);
        output::line("");
        let line = |what: &str, value: String| output::line(format_args!("{what:<28} {value}"));
        line("tickets", format!("{} in {:.1} s, {} matches", figures.tickets, figures.seconds, figures.matches));
        line("rules broken", figures.violations.to_string());
        for example in &figures.violation_examples {
            line("", example.clone());
        }
        line("unmatched", figures.unmatched.to_string());
        for (what, counts) in [("refused", &figures.refused), ("sockets lost", &figures.sockets_lost)] {
            for (reason, count) in counts {
                line(what, format!("{count} ({reason})"));
            }
        }
        if figures.starved > 0 {
            line("not asked for", format!("{}, because no player was free: raise --players", figures.starved));
        }
        if let Some(micros) = figures.server_cpu_us_per_ticket {
            let besides = match figures.left {
                0 => String::new(),
                left => format!(", the leaving and settling of {left} matches included"),
            };
            line("server CPU per ticket", format!("{micros:.0} µs{besides}   {}", bar(micros, CPU_BAR, "µs")));
        }
        let seconds =
            |seconds: Option<f64>| seconds.map_or_else(|| "unknown".to_owned(), |some| format!("{some:.2} s"));
        line(
            "CPU, server and generator",
            format!("{} and {}", seconds(figures.server_cpu_seconds), seconds(figures.generator_cpu_seconds)),
        );
        if let Some(busy) = figures.machine_busy {
            line("machine busy", format!("{:.0} %", busy * 100.0));
        }
    }
}

fn row(what: &str, ms: Percentiles, limit: f64) {
    output::line(format_args!(
        "{what:<18} {:>10.1} {:>10.1} {:>10.1} {:>10.1}   {}",
        ms.p50,
        ms.p95,
        ms.p99,
        ms.max,
        bar(ms.p99, limit, "ms")
    ));
}

fn bar(value: f64, limit: f64, unit: &str) -> String {
    format!("≤ {limit} {unit} {}", if value <= limit { "met" } else { "MISSED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_say_whether_they_are_met() {
        assert_eq!(bar(50.0, ACK_BAR, "ms"), "≤ 50 ms met");
        assert_eq!(bar(50.1, ACK_BAR, "ms"), "≤ 50 ms MISSED");
    }
}
