//! `bench operator`: what the operator costs, against a real API server.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    build,
    commands::{failure, run, watch},
    files,
    machine::Machine,
    output::{self, Stream},
    paths::Paths,
    steps::Steps,
};

/// How long measuring may take.
const WITHIN: Duration = Duration::from_secs(40 * 60);

/// What is measured: the figure, the most that it should be, and what it is.
const FIGURES: [(&str, f64, &str); 4] = [
    ("ready_ms", 3_300.0, "ms until a Region is ready, p95 of 20; 300 of them are the Pods' own start"),
    ("steady_writes", 0.0, "writes in 60 s to a cluster of 200 Regions at rest"),
    ("restart_s", 60.0, "s until a new process on one core has looked at all Regions"),
    ("rss_mb", 80.0, "MB resident then"),
];

/// How `bench operator` was asked to run.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Print one JSON object on standard output; progress goes to standard error either way
    #[arg(long)]
    json: bool,
    /// Regions of the restart; with fewer than 1,000 the figures say little
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    regions: u32,
    /// Measure a debug build: quick to make, and no figure of it means anything
    #[arg(long, hide = true)]
    debug_build: bool,
}

/// Measures; exit code 1 when a bar is missed.
pub fn operator(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let steps = Steps::on(Stream::Errors);
    let assets = assets(paths).context(
        "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, such as `setup-envtest use -p path` prints",
    )?;
    let report = paths.muster.join("bench/operator.json");
    files::remove(&report)?;
    fs::create_dir_all(paths.muster.join("bench")).context("cannot make a folder for the report")?;
    steps.step("cargo bench --no-run", |step| {
        let mut command = cargo(paths, arguments);
        command.arg("--no-run");
        run(step, command, &paths.log("bench-operator-build"), build::WITHIN).context("the benchmark does not build")
    })?;
    let machine = Machine::look(paths);
    let log = paths.log("bench-operator");
    steps.step("make Regions", |step| {
        let mut command = cargo(paths, arguments);
        command.env("KUBEBUILDER_ASSETS", &assets).env("MUSTER_BENCH_REPORT", &report);
        command.env("MUSTER_BENCH_REGIONS", arguments.regions.to_string());
        let status = watch(command, &log, WITHIN, |line| step.note(line))?;
        if status.success() { Ok(()) } else { Err(failure("cargo bench", status, &log)) }
    })?;
    let text = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let mut figures: Value = serde_json::from_str(&text).context("the benchmark's report is no JSON")?;
    if arguments.json {
        figures["machine"] = json!(machine);
        figures["build"] = json!(if arguments.debug_build { "debug" } else { "release" });
        output::line(serde_json::to_string_pretty(&figures).context("the report is JSON")?);
    } else {
        output::line(format_args!("\n{}\n", machine.line()));
        for (name, bar, what) in FIGURES {
            let figure = figures[name].as_f64().unwrap_or(f64::NAN);
            let verdict = if is_met(figure, bar) { "met" } else { "MISSED" };
            output::line(format_args!("{name:<14} {figure:>9}   bar ≤ {bar} {verdict}   {what}"));
        }
    }
    let missed = missed(&figures);
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    steps.say(&format!("\nerror: a bar was missed: {}", missed.join("; ")));
    Ok(ExitCode::FAILURE)
}

/// The bars that were missed; a figure that is not there misses its bar.
fn missed(figures: &Value) -> Vec<String> {
    let figure = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
    FIGURES
        .into_iter()
        .filter(|(name, bar, _)| !is_met(figure(name), *bar))
        .map(|(name, bar, _)| format!("{name} is {}, and should be at most {bar}", figure(name)))
        .collect()
}

fn is_met(figure: f64, bar: f64) -> bool {
    figure <= bar
}

fn assets(paths: &Paths) -> Option<PathBuf> {
    let beside = || Some(paths.workspace.parent()?.join("shared/kube"));
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from).or_else(beside)?;
    (assets.join("kube-apiserver").exists() && assets.join("etcd").exists()).then_some(assets)
}

fn cargo(paths: &Paths, arguments: &Arguments) -> std::process::Command {
    let mut command = build::cargo();
    command.args(["bench", "--package", "muster-operator", "--bench", "operator"]).current_dir(&paths.workspace);
    if arguments.debug_build {
        command.args(["--profile", "dev"]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missed_bar_is_named() {
        let figures = |ready: u64, writes: u64, rss: f64| json!({ "ready_ms": ready, "steady_writes": writes, "restart_s": 2.2, "rss_mb": rss });
        assert!(missed(&figures(3_300, 0, 80.0)).is_empty());
        let missed_bars = missed(&figures(4_000, 1, 81.5));
        assert_eq!(
            missed_bars,
            [
                "ready_ms is 4000, and should be at most 3300",
                "steady_writes is 1, and should be at most 0",
                "rss_mb is 81.5, and should be at most 80",
            ]
        );
        assert_eq!(missed(&json!({})).len(), FIGURES.len(), "what was not measured is not met");
    }
}
