//! Processes by pid *and* start time, so that a number the kernel gave to somebody else is never signalled.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{files, interrupt};

/// How long a killed process may take to be gone: one that waits for the disk hears of it only afterwards.
const LAST_WRITES: Duration = Duration::from_secs(30);

/// One process of this machine's present boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, in the kernel's clock ticks since boot: tells it from a later process of the same number.
    pub started: u64,
}

/// What `/proc/<pid>/stat` tells.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: char,
    parent: u32,
    started: u64,
}

impl Identity {
    /// This very process.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id()).context("cannot read /proc/self/stat: is /proc mounted?")
    }

    /// The process that has this number now.
    pub fn of(pid: u32) -> Option<Self> {
        stat(pid).map(|stat| Self { pid, started: stat.started })
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }

    /// Sends a signal, unless the process is gone.
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may end between the look and the signal; then there is nothing left to tell it.
            let _ = kill(pid(self.pid), signal);
        }
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("the kernel's pids fit an i32"))
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(line: &str) -> Option<Stat> {
    // The name stands in parentheses and may itself hold spaces and parentheses.
    let (head, tail) = line.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Some(Stat {
        name,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// The direct children of a process, with their names.
pub fn children_of(parent: u32) -> Vec<(Identity, String)> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .filter(|(_, stat)| stat.parent == parent && stat.state != 'Z')
        .map(|(pid, stat)| (Identity { pid, started: stat.started }, stat.name))
        .collect()
}

/// Asks processes that are not children of this one to end, then insists. Returns those that are still there.
pub fn end(processes: &[Identity], grace: Duration) -> Vec<Identity> {
    let mut left = Vec::new();
    for (signal, patience) in [(Signal::SIGTERM, grace), (Signal::SIGKILL, Duration::from_secs(5))] {
        left = processes.iter().copied().filter(|process| process.is_alive()).collect();
        for process in &left {
            process.signal(signal);
        }
        let deadline = Instant::now() + patience;
        while left.iter().any(|process| process.is_alive()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
    }
    left.retain(|process| process.is_alive());
    left
}

/// Whom to ask when a child should end.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// The child itself.
    Child(Signal),
    /// The program inside the child's bubblewrap, which passes no signals on.
    InSandbox(Signal),
}

/// A child that is meant to keep running.
#[derive(Debug)]
pub struct Running {
    /// Its name in `status`, `logs` and the state file.
    pub name: String,
    /// Its pid and start time.
    pub identity: Identity,
    /// Where its output goes.
    pub log: PathBuf,
    child: Child,
    ask: Ask,
    exit: Option<ExitStatus>,
}

impl Running {
    /// Starts a program with its output in a fresh `log`, out of reach of the terminal's Ctrl-C.
    pub fn start(name: &str, mut command: Command, log: &Path, ask: Ask) -> Result<Self> {
        let output = files::fresh_log(log)?;
        let errors = output.try_clone().context("cannot open the log twice")?;
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({program})"))?;
        let identity = Identity::of(child.id()).with_context(|| format!("{name} is not in /proc"))?;
        Ok(Self { name: name.to_owned(), identity, log: log.to_owned(), child, ask, exit: None })
    }

    /// How it ended, if it has.
    pub fn exit(&mut self) -> Option<ExitStatus> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait().ok().flatten();
        }
        self.exit
    }

    /// Fails with the end of its log when it has ended.
    pub fn expect_alive(&mut self) -> Result<()> {
        match self.exit() {
            None => Ok(()),
            Some(status) => anyhow::bail!("{}", self.obituary(status)),
        }
    }

    /// What to tell of a child that ended: how, and its last words.
    pub fn obituary(&self, status: ExitStatus) -> String {
        let words = files::last_lines(&self.log, 12).join("\n    ");
        format!("{} ended with {status}; the end of {}:\n    {words}", self.name, self.log.display())
    }

    /// Sends the signal on which it ends well.
    pub fn ask_to_end(&mut self) {
        if self.exit().is_some() {
            return;
        }
        match self.ask {
            Ask::Child(signal) => self.identity.signal(signal),
            Ask::InSandbox(signal) => match sandboxed(self.identity) {
                Some(inner) => inner.signal(signal),
                None => self.identity.signal(Signal::SIGKILL),
            },
        }
    }

    /// Ends it and whatever it started in its process group, at once. Of a sandboxed one, everything inside is gone
    /// when this returns: what still wrote would write into the files of the next start.
    pub fn kill(&mut self) {
        if self.exit.is_none() {
            // bubblewrap's child is pid 1 of the sandbox: the kernel lets it go only after everybody else in there.
            let inside = children_of(self.identity.pid);
            let _ = killpg(pid(self.identity.pid), Signal::SIGKILL);
            self.exit = self.child.wait().ok();
            let deadline = Instant::now() + LAST_WRITES;
            for (first, _) in inside {
                first.signal(Signal::SIGKILL);
                while first.is_alive() && Instant::now() < deadline {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
}

impl Running {
    /// Ends the child together with everything in its process group: asks, waits up to `grace`, then kills.
    pub fn end_group(&mut self, grace: Duration) {
        if self.exit().is_some() {
            return;
        }
        // The group exists as long as its leader, the child, is not waited for.
        let _ = killpg(pid(self.identity.pid), Signal::SIGTERM);
        let deadline = Instant::now() + grace;
        while self.identity.is_alive() && Instant::now() < deadline && !interrupt::insisted() {
            thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }
}

/// A child that is dropped on the way out of an error does not stay behind.
impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program inside bubblewrap: `bwrap` watches over `bwrap`, which is pid 1 in there and started it.
fn sandboxed(outer: Identity) -> Option<Identity> {
    let mut at = outer;
    for _ in 0..4 {
        let (child, name) = children_of(at.pid).into_iter().next()?;
        if name != "bwrap" {
            return Some(child);
        }
        at = child;
    }
    None
}

/// Asks all to end at once, waits up to `grace`, then kills what is left. A second Ctrl-C cuts the wait short.
pub fn end_all(running: &mut [Running], grace: Duration) -> Vec<String> {
    for child in running.iter_mut() {
        child.ask_to_end();
    }
    let deadline = Instant::now() + grace;
    while running.iter_mut().any(|child| child.exit().is_none()) && Instant::now() < deadline && !interrupt::insisted()
    {
        thread::sleep(Duration::from_millis(20));
    }
    let mut killed = Vec::new();
    for child in running.iter_mut().filter(|child| child.exit.is_none()) {
        killed.push(child.name.clone());
        child.kill();
    }
    killed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_with_odd_names_are_read() {
        let line = "4711 (a (b) c) S 17 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 0";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat, Stat { name: "a (b) c".into(), state: 'S', parent: 17, started: 987_654 });
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn another_process_with_the_same_number_is_not_ours() {
        let own = Identity::own().unwrap();
        assert!(own.is_alive());
        assert!(!Identity { started: own.started + 1, ..own }.is_alive());
    }

    #[test]
    fn children_are_found_and_ended() {
        let log = std::env::temp_dir().join(format!("muster-sleep-{}.log", std::process::id()));
        let mut command = Command::new("sleep");
        command.arg("60");
        let mut child = Running::start("sleep", command, &log, Ask::Child(Signal::SIGTERM)).unwrap();
        assert!(children_of(std::process::id()).iter().any(|(identity, _)| *identity == child.identity));
        child.expect_alive().unwrap();
        assert_eq!(end_all(std::slice::from_mut(&mut child), Duration::from_secs(5)), Vec::<String>::new());
        assert!(child.expect_alive().is_err());
        files::remove(&log).unwrap();
    }

    #[test]
    fn nobody_in_a_killed_sandbox_is_left() {
        let bwrap =
            crate::commands::which("bwrap").expect("the package bubblewrap, which `cargo xtask setup` asks for");
        let log = std::env::temp_dir().join(format!("muster-sandbox-{}.log", std::process::id()));
        let mut command = Command::new(bwrap);
        command.args(["--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-user", "--unshare-pid"]);
        // As PostgreSQL's backends do, one leaves the process group.
        command.args(["--", "sh", "-c", "setsid sleep 60 & sleep 60; true"]);
        let mut sandbox = Running::start("sandbox", command, &log, Ask::InSandbox(Signal::SIGTERM)).unwrap();
        let all = interrupt::wait_for(Duration::from_secs(10), || {
            let all = descendants(sandbox.identity);
            Ok((all.len() >= 4).then_some(all))
        });
        let all = all.unwrap().expect("bwrap's pid 1, the shell and its two children");
        sandbox.kill();
        assert!(all.iter().all(|process| !process.is_alive()), "{all:?}");
        files::remove(&log).unwrap();
    }

    fn descendants(of: Identity) -> Vec<Identity> {
        let children = children_of(of.pid).into_iter().map(|(child, _)| child);
        children.flat_map(|child| std::iter::once(child).chain(descendants(child))).collect()
    }
}
