//! `test`: every check there is, one part after another, and a summary that a person and CI read alike.

mod alerts;
mod chaos;
mod libtest;
mod parts;
mod tests;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    interrupt, output,
    paths::Paths,
    steps::{Mood, Steps, seconds},
};
use parts::Workshop;

/// A part of the checks, in the order in which they run: the quick ones and those that others build upon first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The code is formatted
    Fmt,
    /// clippy finds nothing, warnings count as errors
    Clippy,
    /// The dashboard's WebAssembly builds
    Wasm,
    /// Everything builds, tests and examples too
    Build,
    /// The committed OpenAPI, socket schema, GraphQL schema, error catalogue and CRDs are what the code says
    Schemas,
    /// The chart's copies and the manifests rendered from it are current, and the programs take the settings in them
    Manifests,
    /// promtool and amtool accept rules, their tests and the configurations
    Alerts,
    /// The committed query data are what a migrated database says
    Sqlx,
    /// Unit, integration (against real services) and browser tests, documentation examples
    Tests,
    /// A minute of faults on a platform of its own; everything it stored must hold
    Chaos,
}

impl Part {
    /// Whether it can be done without services, browser and WebAssembly.
    fn is_fast(self) -> bool {
        matches!(self, Self::Fmt | Self::Clippy | Self::Build | Self::Schemas | Self::Manifests | Self::Tests)
    }

    /// As it is typed.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only what needs no services.
    pub fast: bool,
    /// Only these; all when empty.
    pub only: Vec<Part>,
    /// For `cargo test`.
    pub cargo_test: Vec<String>,
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Went well.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
    /// Were not done.
    pub skipped: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// A line of the summary.
#[derive(Debug)]
pub struct Row {
    /// What was checked.
    pub name: String,
    /// How it went.
    pub counts: Counts,
    /// How long it took.
    pub took: Duration,
    /// Why it was skipped or what failed, in a few words.
    pub note: String,
}

impl Row {
    /// A part that is one check.
    fn one(name: impl Into<String>, passed: bool, took: Duration, note: impl Into<String>) -> Self {
        let counts =
            if passed { Counts { passed: 1, ..Counts::default() } } else { Counts { failed: 1, ..Counts::default() } };
        Self { name: name.into(), counts, took, note: note.into() }
    }

    /// A part that was not done.
    fn skipped(name: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            counts: Counts { skipped: 1, ..Counts::default() },
            took: Duration::ZERO,
            note: note.into(),
        }
    }
}

/// `--list`.
pub fn list() -> ExitCode {
    for part in Part::value_variants() {
        if let Some(value) = part.to_possible_value() {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            output::line(format_args!("{:<9} {}{help}", value.get_name(), if part.is_fast() { "(fast) " } else { "" }));
        }
    }
    ExitCode::SUCCESS
}

/// Runs the chosen parts; exit code 1 when any check failed.
pub fn command(paths: &Paths, selection: &Selection) -> Result<ExitCode> {
    let steps = Steps::new();
    let mut workshop = Workshop::new(&steps, paths, selection);
    let mut rows: Vec<Row> = Vec::new();
    for part in Part::value_variants() {
        let chosen = selection.only.is_empty() || selection.only.contains(part);
        if !chosen {
            continue;
        }
        if selection.fast && !part.is_fast() {
            rows.push(Row::skipped(part.name(), "needs more than --fast gives"));
            continue;
        }
        steps.heading(&part.name());
        let began = Instant::now();
        let new = match workshop.run(*part) {
            Ok(new) => new,
            Err(error) => {
                interrupt::check()?;
                steps.say(&indented(&format!("{error:#}")));
                steps.say(&format!("  again: cargo xtask test --only {}", part.name()));
                vec![Row::one(part.name(), false, began.elapsed(), "")]
            }
        };
        rows.extend(new);
    }
    drop(workshop);
    Ok(summary(&steps, &rows))
}

fn summary(steps: &Steps, rows: &[Row]) -> ExitCode {
    let mut total = Counts::default();
    steps.heading(&format!("Summary, after {}", seconds(steps.elapsed())));
    for row in rows {
        total += row.counts;
        let (word, mood) = match row.counts {
            Counts { failed: 1.., .. } => ("FAILED ", Mood::Bad),
            Counts { passed: 0, skipped: 0, .. } => ("none   ", Mood::Plain),
            Counts { passed: 0, .. } => ("skipped", Mood::Plain),
            _ => ("ok     ", Mood::Good),
        };
        let counts =
            format!("{} passed, {} failed, {} skipped", row.counts.passed, row.counts.failed, row.counts.skipped);
        steps.say(&format!(
            "  {:<14} {} {:>9}   {counts}{}{}",
            row.name,
            steps.paint(word, mood),
            seconds(row.took),
            if row.note.is_empty() { "" } else { ": " },
            row.note
        ));
    }
    // CI and scripts read this line; it stays plain and last.
    steps.say(&format!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped));
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A block of text under a heading.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
