//! Players who never give up.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;

use super::report::Violation;
use crate::{
    commands::guarded,
    files, interrupt,
    paths::Paths,
    processes::{Ask, Running},
};

/// Queues of every mode, ranked and not. Twice one of short ranked matches: many in it find each other soon, and ratings move often.
const QUEUES: &str =
    "quickfire-ranked,true-grit-casual,quickfire-ranked,last-line-casual,classic-ranked,zero-hour-casual";
/// How long running matches may go on once it is time to stop.
const GRACE: &str = "20s";
/// The same, and their goodbyes.
const STOP_WITHIN: Duration = Duration::from_secs(45);

/// `muster-bots`, running.
pub struct Bots {
    running: Running,
    summary: PathBuf,
}

/// What the bots have to say at the end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Summary {
    matches: u64,
    dropped: u64,
    differences: Vec<Difference>,
}

/// A match of which a player was told something else than what is stored.
#[derive(Clone, Debug, Deserialize)]
struct Difference {
    match_id: String,
    detail: String,
}

/// What the bots saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Matches that were played to their end by at least one player.
    pub matches: u64,
    /// How often a bot let go of its connection by itself.
    pub dropped: u64,
    /// What they were told that is not so.
    pub violations: Vec<Violation>,
}

impl Bots {
    /// They begin to play.
    pub fn start(paths: &Paths, release: bool, url: &str, count: u32, seed: u64) -> Result<Self> {
        let summary = paths.test().join(format!("bots-{}.json", std::process::id()));
        files::remove(&summary)?;
        let mut command = guarded(paths.binaries(release).join("muster-bots"));
        command.args(["--url", url, "--count", &count.to_string(), "--seed", &seed.to_string()]);
        command.args(["--queue", QUEUES, "--move-delay", "120ms", "--grace", GRACE]);
        command.args(["--drop-every", "15s", "--check"]).arg("--summary").arg(&summary);
        command.env("NO_COLOR", "1");
        let running =
            Running::start("muster-bots", command, &paths.log("chaos/muster-bots"), Ask::Child(Signal::SIGTERM))?;
        Ok(Self { running, summary })
    }

    /// Fails when they ended by themselves.
    pub fn expect_alive(&mut self) -> Result<()> {
        self.running.expect_alive()
    }

    /// Lets running matches end, and asks what was seen.
    pub fn stop(mut self) -> Result<Seen> {
        self.running.ask_to_end();
        let ended = interrupt::wait_for(STOP_WITHIN, || Ok(self.running.exit()))?;
        let Some(status) = ended else {
            self.running.kill();
            bail!(
                "muster-bots still ran {} s after it was told to stop; see {}",
                STOP_WITHIN.as_secs(),
                self.running.log.display()
            );
        };
        let text = fs::read_to_string(&self.summary).with_context(|| self.running.obituary(status))?;
        files::remove(&self.summary)?;
        let summary: Summary =
            serde_json::from_str(&text).context("muster-bots wrote something else than a summary")?;
        let violations = summary.differences.into_iter().map(|difference| Violation {
            kind: "told_differs".into(),
            match_id: Some(difference.match_id),
            player_id: None,
            ticket_id: None,
            detail: difference.detail,
        });
        Ok(Seen { matches: summary.matches, dropped: summary.dropped, violations: violations.collect() })
    }
}
