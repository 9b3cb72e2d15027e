//! `muster-audit`, and what it found.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;

use super::{platform::ChaosPlatform, report::Violation};
use crate::{
    commands::guarded,
    files, interrupt,
    paths::Paths,
    processes::{Ask, Running},
};

/// How long the last matches may take: whoever did not come back forfeits after 60 s, and an orphan is found before that.
const CALM_WITHIN: Duration = Duration::from_secs(120);
/// Reading a run's matches takes seconds.
const READ_WITHIN: Duration = Duration::from_secs(120);

/// What the audit looked at.
#[derive(Clone, Debug, Deserialize)]
pub struct Audited {
    /// Settled matches.
    pub matches: u64,
    /// Their events, replayed.
    pub events: u64,
    /// Players whose ratings were recomputed.
    pub players: u64,
    /// Whether all became calm.
    pub calm: Option<bool>,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

/// Waits until nothing is in motion, then checks everything.
pub fn audit(paths: &Paths, release: bool, platform: &ChaosPlatform) -> Result<Audited> {
    let log = paths.log("chaos/muster-audit");
    let mut command = guarded(paths.binaries(release).join("muster-audit"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MUSTER__")) {
        command.env_remove(name);
    }
    command.envs(platform.stores()).env("MUSTER__LOG__FILTER", "warn").stdin(Stdio::null());
    command.args(["--json", "--calm-within", &format!("{}s", CALM_WITHIN.as_secs())]);
    let mut running = Running::start("muster-audit", command, &log, Ask::Child(Signal::SIGTERM))?;
    let ended = interrupt::wait_for(CALM_WITHIN + READ_WITHIN, || Ok(running.exit()))?;
    let Some(status) = ended else {
        running.kill();
        bail!("muster-audit took too long; see {}", log.display());
    };
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("{}", running.obituary(status));
    }
    let text = fs::read_to_string(&log).context("muster-audit has no output")?;
    // Its log lines are in front, a line each; the report is the object after them, on lines of its own.
    let report = text.find("{\n").map_or("", |at| &text[at..]);
    serde_json::from_str(report).with_context(|| {
        format!("muster-audit wrote something else than a report:\n    {}", files::last_lines(&log, 12).join("\n    "))
    })
}
