//! `bench`: what the matchmaking engine costs, measured by criterion, told as medians.

mod estimates;
pub mod operator;
pub mod questions;
mod report;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::{
    build,
    commands::{failure, run, watch},
    files,
    machine::Machine,
    output::Stream,
    paths::Paths,
    steps::Steps,
};
use report::Report;

/// How long all cases together may take.
const WITHIN: Duration = Duration::from_secs(30 * 60);

/// How `bench matchmaking` was asked to run.
#[derive(Clone, Debug, Default, Args)]
pub struct Arguments {
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Only this case (may be repeated)
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<Case>,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    debug_build: bool,
}

/// What is measured; `platform/core/benches/matchmaking` has a case of each name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Case {
    /// A ticket into a pool of 5,000
    #[value(name = "insert")]
    Insert,
    /// A pass over 1,000 tickets, 1v1, anybody plays anybody
    #[value(name = "pass_1000_any")]
    Pass1000Any,
    /// The same with 5,000
    #[value(name = "pass_5000_any")]
    Pass5000Any,
    /// The same with 20,000
    #[value(name = "pass_20000_any")]
    Pass20000Any,
    /// The same with 100,000
    #[value(name = "pass_100000_any")]
    Pass100000Any,
    /// A pass over 1,000 tickets, 1v1, four regions, ratings at most 100 apart
    #[value(name = "pass_1000_region_window")]
    Pass1000RegionWindow,
    /// The same with 5,000
    #[value(name = "pass_5000_region_window")]
    Pass5000RegionWindow,
    /// The same with 20,000
    #[value(name = "pass_20000_region_window")]
    Pass20000RegionWindow,
    /// The same with 100,000
    #[value(name = "pass_100000_region_window")]
    Pass100000RegionWindow,
    /// A pass over 1,000 tickets, 5v5, parties of 1 to 5, roles, regions, ratings at most 100 apart
    #[value(name = "pass_1000_5v5_parties")]
    Pass1000Parties,
    /// The same with 5,000
    #[value(name = "pass_5000_5v5_parties")]
    Pass5000Parties,
    /// The same with 20,000
    #[value(name = "pass_20000_5v5_parties")]
    Pass20000Parties,
    /// With 5,000 again, but three of four regions have nobody who heals
    #[value(name = "pass_5000_5v5_few_healers")]
    Pass5000FewHealers,
    /// A pass over 1,000 tickets, two teams of 2 to 5
    #[value(name = "pass_1000_4to10")]
    Pass1000FourToTen,
    /// The same with 5,000
    #[value(name = "pass_5000_4to10")]
    Pass5000FourToTen,
    /// The same with 20,000
    #[value(name = "pass_20000_4to10")]
    Pass20000FourToTen,
    /// A tick at 1,000 arrivals a second: 100 inserts, a pass, the removal of what matched
    #[value(name = "steady_1000_per_s")]
    Steady1000PerSecond,
    /// Why one of 5,000 tickets has not matched
    #[value(name = "explain_5000")]
    Explain5000,
}

impl Case {
    /// As criterion knows it.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The most nanoseconds that its median should be, where there is a bar.
    fn bar(self) -> Option<f64> {
        match self {
            Self::Insert => Some(2e3),
            Self::Pass5000RegionWindow => Some(2e6),
            Self::Pass100000RegionWindow => Some(50e6),
            Self::Pass5000Parties => Some(10e6),
            _ => None,
        }
    }
}

/// Measures the chosen cases; exit code 1 when a match broke a rule.
pub fn matchmaking(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    let mut cases = if arguments.cases.is_empty() { Case::value_variants().to_vec() } else { arguments.cases.clone() };
    cases.sort_unstable();
    cases.dedup();
    let home = paths.muster.join("bench/criterion");
    let facts = paths.muster.join("bench/facts.jsonl");
    forget(&home, &facts, &cases)?;

    steps.step("cargo bench --no-run", |step| {
        step.detail(if arguments.debug_build { "debug: its figures mean nothing" } else { "release" });
        let mut command = cargo(paths, arguments);
        command.arg("--no-run");
        run(step, command, &paths.log("bench-build"), build::WITHIN).context("the benchmark does not build")
    })?;
    // Looked at when the build is done: what the build did to the load average is told, not hidden.
    let machine = Machine::look(paths);
    if machine.is_busy() {
        steps.say(&format!(
            "  {} processes wanted to run in the last minute (the build is among them): on a busy machine figures are worse",
            machine.load_average.unwrap_or_default()
        ));
    }
    let log = paths.log("bench");
    steps.step("cargo bench", |step| {
        step.detail(format!("{} cases, about {} s", cases.len(), cases.len() * 10));
        let mut command = cargo(paths, arguments);
        let names: Vec<String> = cases.iter().map(|case| case.name()).collect();
        command.args(["--", "--noplot", &format!("^({})$", names.join("|"))]);
        command.env("CRITERION_HOME", &home).env("MUSTER_BENCH_FACTS", &facts);
        let status = watch(command, &log, WITHIN, |line| {
            if let Some(case) = line.strip_prefix("Benchmarking ") {
                step.note(case);
            }
        })?;
        // A broken rule makes it fail too; then there are facts that tell which.
        if !status.success() && !facts.exists() {
            return Err(failure("cargo bench", status, &log));
        }
        Ok(())
    })?;

    let report = Report {
        machine,
        build: if arguments.debug_build { "debug" } else { "release" },
        cases: measured(&home, &cases)
            .with_context(|| format!("the benchmark broke off; see {}", paths.short(&log)))?,
        pools: pools(&facts)?,
    };
    if arguments.json {
        report.print_json()?;
    } else {
        report.print_table(&cases);
    }
    if report.violations() > 0 {
        steps.say(&format!("\nerror: matches broke rules; {} tells which", paths.short(&log)));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo(paths: &Paths, arguments: &Arguments) -> std::process::Command {
    let mut command = build::cargo();
    command.args(["bench", "--package", "muster-core", "--bench", "matchmaking"]).current_dir(&paths.workspace);
    if arguments.debug_build {
        command.args(["--profile", "dev"]);
    }
    command
}

/// An earlier run's results are not this one's. What criterion compares with stays.
fn forget(home: &Path, facts: &Path, cases: &[Case]) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make the folder {}", home.display()))?;
    for case in cases {
        files::remove(&home.join(case.name()).join("new"))?;
    }
    files::remove(facts)
}

fn measured(home: &Path, cases: &[Case]) -> Result<BTreeMap<String, estimates::Median>> {
    cases.iter().map(|case| Ok((case.name(), estimates::median(&home.join(case.name()))?))).collect()
}

/// What was made of each pool: a line of JSON for each case that makes matches.
fn pools(facts: &Path) -> Result<BTreeMap<String, report::Pool>> {
    let text = match fs::read_to_string(facts) {
        Ok(text) => text,
        // Some cases make no matches.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", facts.display())),
    };
    let mut pools = BTreeMap::new();
    for line in text.lines() {
        let Ok(report::CheckedPool { case, pool }) = serde_json::from_str(line) else {
            bail!("{} holds a line that the benchmark did not write: {line}", facts.display());
        };
        pools.insert(case, pool);
    }
    Ok(pools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_named_as_scripts_know_them() {
        let names: Vec<String> = Case::value_variants().iter().map(|case| case.name()).collect();
        for name in [
            "insert",
            "pass_1000_any",
            "pass_5000_any",
            "pass_5000_region_window",
            "pass_100000_region_window",
            "pass_5000_5v5_parties",
            "pass_5000_5v5_few_healers",
            "pass_1000_4to10",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
        }
    }

    #[test]
    fn every_case_is_in_the_benchmark() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../platform/core/benches/matchmaking/main.rs");
        let source = fs::read_to_string(source).unwrap();
        for case in Case::value_variants() {
            assert!(source.contains(&format!("\"{}\"", case.name())), "{} is not measured", case.name());
        }
    }
}
