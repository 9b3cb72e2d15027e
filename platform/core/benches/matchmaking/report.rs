//! What the passes made, for the person at the terminal and for the program that asked.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use crate::check::Facts;

/// The file that gets a line of JSON for each checked case.
const FACTS: &str = "MUSTER_BENCH_FACTS";

/// How many broken rules are told in words.
const TOLD: usize = 5;

/// Tells of each case and remembers whether any rule was broken.
pub struct Report {
    file: Option<File>,
    violations: usize,
}

impl Report {
    /// Writes to the file that `MUSTER_BENCH_FACTS` names, if it does.
    pub fn from_environment() -> Self {
        let file = std::env::var_os(FACTS).map(|path| {
            let opened = OpenOptions::new().create(true).append(true).open(&path);
            opened.unwrap_or_else(|error| panic!("{FACTS} is {}, which cannot be written: {error}", path.display()))
        });
        Self { file, violations: 0 }
    }

    /// A case was checked.
    pub fn checked(&mut self, case: &str, facts: Facts) {
        self.violations += facts.violations.len();
        eprintln!(
            "\n{case}: {} tickets of {} players, {} matches of {} players, mean quality {:.3}, {} rules broken",
            facts.tickets,
            facts.players,
            facts.matches,
            facts.matched_players,
            facts.mean_quality().unwrap_or_default(),
            facts.violations.len()
        );
        for violation in facts.violations.iter().take(TOLD) {
            eprintln!("  {violation}");
        }
        if let Some(file) = &mut self.file {
            let line = json!({
                "case": case,
                "tickets": facts.tickets,
                "players": facts.players,
                "matches": facts.matches,
                "matched_players": facts.matched_players,
                "mean_quality": facts.mean_quality(),
                "first_pass_ns": facts.first_pass.map(|spent| spent.as_nanos() as u64),
                "violations": facts.violations.len(),
            });
            writeln!(file, "{line}").unwrap_or_else(|error| panic!("{FACTS} cannot be written: {error}"));
        }
    }

    /// Failure when any rule was broken.
    pub fn finish(self) -> ExitCode {
        if self.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
