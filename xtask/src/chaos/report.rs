//! The result: JSON for programs, some lines for people.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::{machine::Machine, output::Stream};

/// Something that must hold whatever happens, and did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What: one of `muster-audit`'s, or `told_differs`, `process_died`, `drain_failed`, `not_ready`, `not_calm`, `nothing_played`.
    pub kind: String,
    /// Of which match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<String>,
    /// Of which player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player_id: Option<String>,
    /// Of which ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<String>,
    /// What was expected, what was found.
    pub detail: String,
}

impl Violation {
    /// Of the run as a whole.
    pub fn of_run(kind: &str, detail: impl Into<String>) -> Self {
        Self { kind: kind.into(), match_id: None, player_id: None, ticket_id: None, detail: detail.into() }
    }
}

/// A fault as it was carried out.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Seconds from the beginning.
    pub at: f64,
    /// Such as `kill`.
    pub kind: &'static str,
    /// Such as `referee-1`.
    pub target: String,
    /// Seconds until it was undone.
    pub lasting: f64,
}

impl From<&Fault> for Told {
    fn from(fault: &Fault) -> Self {
        Self {
            at: fault.at.as_secs_f64(),
            kind: fault.kind.name(),
            target: fault.target.to_string(),
            lasting: fault.lasting.as_secs_f64(),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// `debug` or `release`.
    pub build: &'static str,
    /// Which schedule, which bots.
    pub seed: u64,
    /// How long faults came.
    pub seconds: u64,
    /// How many bots played.
    pub bots: u32,
    /// Matches that were settled, and audited.
    pub matches: u64,
    /// Their events, replayed.
    pub events: u64,
    /// Players whose ratings were recomputed.
    pub players: u64,
    /// How often a bot let go of its connection by itself.
    pub connections_dropped: u64,
    /// How many faults there were.
    pub faults: usize,
    /// By kind and target.
    pub faults_by_kind: BTreeMap<String, usize>,
    /// Each of them.
    pub schedule: Vec<Told>,
    /// What did not hold.
    pub violations: Vec<Violation>,
}

impl Report {
    /// One object.
    pub fn print_json(&self) -> Result<()> {
        crate::output::line(serde_json::to_string_pretty(self).context("the report is JSON")?);
        Ok(())
    }

    /// For a person.
    pub fn print_lines(&self, stream: Stream) {
        let faults: Vec<String> = self.faults_by_kind.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        stream.line(format_args!("\n{}", self.machine.line()));
        stream.line(self.sentence());
        stream.line(format_args!("  {}", faults.join(", ")));
        for violation in &self.violations {
            let ids = [&violation.match_id, &violation.player_id, &violation.ticket_id];
            let ids: Vec<&str> = ids.into_iter().flatten().map(String::as_str).collect();
            stream.line(format_args!("  {}: {} {}", violation.kind, ids.join(" "), violation.detail));
        }
    }

    /// All in one sentence.
    pub fn sentence(&self) -> String {
        format!(
            "{} matches ({} events, {} players) through {} faults in {} s, seed {}: {} violations",
            self.matches,
            self.events,
            self.players,
            self.faults,
            self.seconds,
            self.seed,
            self.violations.len()
        )
    }
}

/// `kill referee` and so on, with how often.
pub fn by_kind(faults: &[Fault]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for fault in faults {
        let target = fault.target.to_string();
        let target = target.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
        *counts.entry(format!("{} {target}", fault.kind.name())).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chaos::schedule::plan;

    #[test]
    fn faults_are_counted_by_what_they_befall_whichever_replica() {
        let faults = plan(3, Duration::from_secs(600));
        let counts = by_kind(&faults);
        assert_eq!(counts.values().sum::<usize>(), faults.len());
        assert!(counts["kill referee"] > counts["kill nats"] && counts.contains_key("cut sockets"), "{counts:?}");
    }

    #[test]
    fn what_the_audit_writes_is_read() {
        let text = r#"{"kind": "log_left", "match_id": "mch_1", "detail": "it is there"}"#;
        let violation: Violation = serde_json::from_str(text).unwrap();
        assert_eq!((violation.kind.as_str(), violation.match_id.as_deref()), ("log_left", Some("mch_1")));
    }
}
