//! `load`: a whole platform of its own, and players who reach it through real sockets.

mod figures;
mod ingest;
mod ingest_census;
mod ingest_kill;
mod play;
mod queue;
mod report;
mod scratch_platform;

use std::{fs, time::Duration};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    build,
    commands::{failure, guarded, watch},
    files,
    machine::Machine,
    output::Stream,
    paths::Paths,
    setup::{self, Wanted},
    steps::Steps,
};
use figures::Figures;
use report::Report;
use scratch_platform::ScratchPlatform;

pub use ingest::{Arguments as IngestArguments, ingest};
pub use play::{Arguments as PlayArguments, play};
pub use queue::{Arguments as QueueArguments, queue};

/// What is built: the server, and the SDK with the load generator.
const PACKAGES: [&str; 2] = ["muster-server", "muster-client"];
/// Open files of the server besides its sockets.
const OTHER_FILES: u64 = 512;
/// How long everything but the measured time may take: signing in above all.
const BESIDES: Duration = Duration::from_secs(20 * 60);

/// What `muster-load` is to do.
struct Job {
    /// Its command line, but for where the platform is.
    words: Vec<String>,
    /// The same for a person.
    what: String,
    /// How many sockets it opens at once.
    sockets: u64,
    /// How long it measures.
    measured: Duration,
    /// Which players they are.
    seed: u64,
    /// Optimised builds.
    release: bool,
}

/// Builds, starts a platform, lets the generator do its job, and ends the platform.
fn measure(paths: &Paths, job: &Job) -> Result<Report> {
    let steps = Steps::on(Stream::Errors);
    allow_sockets(job.sockets + OTHER_FILES)?;
    steps.heading("Setting up");
    let tools = setup::ensure(&steps, paths, Wanted { root: true, bao: true, ..Wanted::default() })?;
    build::binaries(&steps, paths, &PACKAGES, job.release)?;

    steps.heading("Starting a platform of its own");
    let platform = ScratchPlatform::start(&steps, paths, &tools, job.release)?;
    let machine = Machine::look(paths);

    steps.heading("Measuring");
    let figures = generate(&steps, paths, job, &platform)?;
    Ok(Report {
        machine,
        build: if job.release { "release" } else { "debug" },
        services: platform.services(),
        settings: platform.settings(),
        seed: job.seed,
        tick_ms: platform.tick_ms(),
        figures,
    })
}

fn generate(steps: &Steps, paths: &Paths, job: &Job, platform: &ScratchPlatform) -> Result<Figures> {
    let output = paths.test().join(format!("load-{}.json", std::process::id()));
    let log = paths.log("load/muster-load");
    let figures = steps.step("muster-load", |step| {
        step.detail(job.what.clone());
        let mut command = guarded(paths.binaries(job.release).join("muster-load"));
        command.args(&job.words);
        command.args(["--url", &platform.url, "--ops-url", &platform.ops_url]).arg("--output").arg(&output);
        let status = watch(command, &log, BESIDES + job.measured, |line| step.note(line))?;
        // Broken rules make it fail too; the figures tell of them.
        match fs::read_to_string(&output) {
            Ok(text) => serde_json::from_str(&text).context("muster-load wrote something else than figures"),
            Err(_) => Err(failure("muster-load", status, &log)),
        }
    });
    files::remove(&output)?;
    figures
}

/// Every socket is an open file, here and in the server; both inherit what this process may have.
fn allow_sockets(needed: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        bail!(
            "so many sockets need {needed} open files, and this user may have {hard}; ask for fewer, or raise the limit (`ulimit -Hn`, /etc/security/limits.conf)"
        );
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).with_context(|| format!("cannot allow {needed} open files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_files_than_allowed_are_told() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        if let Some(more) = hard.checked_add(1) {
            assert!(allow_sockets(more).unwrap_err().to_string().contains(&hard.to_string()));
        }
    }
}
