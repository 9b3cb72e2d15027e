//! The part `tests`: one `cargo test` over the workspace with real services, told apart into unit, integration,
//! browser and documentation tests.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context, Result};

use super::{
    Counts, Row, indented,
    libtest::{Kind, Reader, binaries},
    parts::{TESTS_WITHIN, Workshop},
};
use crate::{
    build,
    commands::{capture, watch},
    processes::{children_of, end},
    services::{Given, postgres},
};

/// How much of a failing test's output is shown; all of it is in the log.
const SHOWN_LINES: usize = 60;

/// Runs them and gives one row a kind.
pub fn run(workshop: &mut Workshop<'_>) -> Result<Vec<Row>> {
    let fast = workshop.selection.fast;
    let mut command = build::cargo();
    command.args(["test", "--no-fail-fast"]);
    // Built as a whole first, even when only a part of it is going to run: tests start the other binaries.
    workshop.build()?;
    if fast {
        command.args(["--lib", "--bins"]);
    } else {
        environment(workshop, &mut command)?;
    }
    command.args(&workshop.selection.cargo_test).current_dir(&workshop.paths.workspace);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MUSTER__")) {
        // Settings of the person's own run are none of the tests' business.
        command.env_remove(name);
    }

    let began = Instant::now();
    let mut reader = Reader::new(binaries(&messages(workshop)?));
    // Orphans of tests come to us, so that they can be seen and ended.
    nix::sys::prctl::set_child_subreaper(true).context("cannot become the parent of orphans")?;
    let log = workshop.paths.log("test/tests");
    let status = workshop.steps.step("cargo test", |step| {
        let status = watch(command, &log, TESTS_WITHIN, |line| {
            if let Some(progress) = reader.line(line) {
                step.note(&progress);
            }
        })?;
        let total = reader.totals.values().fold(Counts::default(), |mut sum, (counts, _)| {
            sum += *counts;
            sum
        });
        step.detail(format!("{} passed, {} failed", total.passed, total.failed));
        Ok(status)
    });
    end_orphans(workshop);
    let status = status?;

    tell_failures(workshop, &reader);
    let mut rows: Vec<Row> = reader
        .totals
        .iter()
        .map(|(kind, (counts, took))| Row {
            name: kind.name().into(),
            counts: *counts,
            took: *took,
            note: String::new(),
        })
        .collect();
    if !status.success() && reader.failures.is_empty() {
        // A crash has no result line: the log tells.
        workshop.steps.say(&indented(&crate::commands::failure("cargo test", status, &log).to_string()));
        rows.push(Row::one("tests", false, began.elapsed(), "a test binary crashed or did not build"));
    }
    if fast {
        let skipped = [Kind::Integration, Kind::Browser, Kind::Docs];
        rows.extend(skipped.map(|kind| Row::skipped(kind.name(), "needs more than --fast gives")));
    } else if workshop.selection.cargo_test.is_empty() {
        // Nothing passes by not being there.
        for kind in [Kind::Unit, Kind::Integration, Kind::Browser] {
            let ran = reader.totals.get(&kind).is_some_and(|(counts, _)| counts.passed + counts.failed > 0);
            if !ran && status.success() {
                rows.push(Row::one(format!("{} tests", kind.name()), false, began.elapsed(), "none ran"));
            }
        }
    }
    Ok(rows)
}

/// Where the tests find services, the browser and the dashboard's files.
fn environment(workshop: &mut Workshop<'_>, command: &mut Command) -> Result<()> {
    let site = workshop.site()?;
    let driver = workshop.tools()?.browser.clone().context("the browser was not set up")?.driver;
    let bao = workshop.tools()?.bao.clone().context("OpenBao was not set up")?;
    let given = Given::for_test(&std::env::vars().collect());
    let assets = workshop.paths.workspace.parent().map(|folder| folder.join("shared/kube"));
    let services = workshop.services()?;
    let postgres_url = match &given.postgres {
        Some(url) => url.clone(),
        None => postgres::with_database(services.url("postgres")?, "postgres")?,
    };
    command.env("MUSTER_TEST_POSTGRES_URL", postgres_url);
    command.env("MUSTER_TEST_REDIS_URL", services.url("redis")?).env("MUSTER_TEST_NATS_URL", services.url("nats")?);
    command.env("MUSTER_TEST_VAULT_URL", services.url("openbao")?);
    if let Some(token) = services.bao_token()? {
        command.env("MUSTER_TEST_VAULT_TOKEN", token);
    }
    command.env("MUSTER_TEST_VAULT_PROGRAM", bao);
    command.env("MUSTER_TEST_SITE", &site).env("MUSTER_TEST_SITE_ROOT", &site).env("MUSTER_TEST_CHROMEDRIVER", driver);
    let has_server = |folder: &Path| folder.join("kube-apiserver").exists() && folder.join("etcd").exists();
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none()
        && let Some(assets) = assets.filter(|folder| has_server(folder))
    {
        command.env("KUBEBUILDER_ASSETS", assets);
    }
    Ok(())
}

/// Which binary is whose: what `cargo test` prints does not tell the package.
fn messages(workshop: &Workshop<'_>) -> Result<String> {
    let mut command = build::cargo();
    command.args(["test", "--no-run", "--quiet", "--message-format=json"]).current_dir(&workshop.paths.workspace);
    if workshop.selection.fast {
        command.args(["--lib", "--bins"]);
    }
    capture(command, "").context("the tests do not build; `cargo test --no-run` tells where")
}

fn tell_failures(workshop: &Workshop<'_>, reader: &Reader) {
    for failure in &reader.failures {
        workshop.steps.say(&format!("\n  FAILED {}", failure.name));
        // Where it panicked is the first line; the frames under it are in the log.
        let told: Vec<&String> = failure.output.iter().take_while(|line| line.trim() != "stack backtrace:").collect();
        for line in told.iter().take(SHOWN_LINES) {
            workshop.steps.say(&format!("    {line}"));
        }
        if failure.output.len() > told.len().min(SHOWN_LINES) {
            let log = workshop.paths.log("test/tests");
            workshop.steps.say(&format!("    … the rest is in {}", workshop.paths.short(&log)));
        }
        if let Some(selector) = &failure.selector {
            workshop.steps.say(&format!("  again: cargo xtask test --only tests -- {selector}"));
        }
    }
}

/// Tests clean up after themselves; what they left all the same does not stay, and is told.
fn end_orphans(workshop: &mut Workshop<'_>) {
    let services = workshop.service_pids();
    let orphans: Vec<_> =
        children_of(std::process::id()).into_iter().filter(|(child, _)| !services.contains(&child.pid)).collect();
    if orphans.is_empty() {
        return;
    }
    let names: Vec<String> = orphans.iter().map(|(child, name)| format!("{name} ({})", child.pid)).collect();
    workshop.steps.say(&format!("  the tests left these processes behind, which are ended now: {}", names.join(", ")));
    end(&orphans.iter().map(|(child, _)| *child).collect::<Vec<_>>(), std::time::Duration::from_secs(2));
}
