//! `up --detach`: the supervisor in a session of its own; this process shows its progress and leaves.

use std::{
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{
    Options, RunLock, already_up,
    state::{Phase, State},
};
use crate::{cli::ServiceSource, commands::LineReader, files, interrupt, output, paths::Paths, processes::Identity};

/// Starts the supervisor and waits until it is up or has failed.
pub fn up(paths: &Paths, options: Options) -> Result<ExitCode> {
    match RunLock::take(paths)? {
        // Freed again for the supervisor; whoever comes between us is told by it, as a second `up` always is.
        Some(lock) => drop(lock),
        None => return already_up(paths),
    }
    let log = paths.log("up");
    let output = files::fresh_log(&log)?;
    let errors = output.try_clone().context("cannot open the log twice")?;
    let mut command = Command::new("setsid");
    command.arg(std::env::current_exe().context("cannot tell where xtask itself is")?).arg("supervise");
    if options.release {
        command.arg("--release");
    }
    if !options.bots {
        command.arg("--no-bots");
    }
    if options.services == ServiceSource::Docker {
        command.args(["--services", "docker"]);
    }
    let mut supervisor = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .context("cannot start the supervisor with setsid (package util-linux)")?;
    let identity = Identity::of(supervisor.id()).context("the supervisor is not in /proc")?;

    let mut reader = LineReader::open(&log)?;
    let mut show = |line: &str| {
        output::line(line);
    };
    loop {
        reader.read(&mut show)?;
        if let Some(status) = supervisor.try_wait().context("cannot wait for the supervisor")? {
            reader.read(&mut show)?;
            reader.finish(&mut show);
            // A supervisor that found another run up says where that is and ends well.
            return if status.success() {
                Ok(ExitCode::SUCCESS)
            } else {
                bail!("Muster did not come up; see above and {}", paths.short(&log))
            };
        }
        let state = State::load(paths).filter(|state| state.supervisor == Some(identity));
        if state.is_some_and(|state| state.phase == Phase::Up) {
            // Its last lines come a moment after the state.
            thread::sleep(Duration::from_millis(200));
            reader.read(&mut show)?;
            return Ok(ExitCode::SUCCESS);
        }
        if interrupt::requested() {
            identity.signal(Signal::SIGTERM);
            interrupt::absorb();
        }
        thread::sleep(Duration::from_millis(50));
    }
}
