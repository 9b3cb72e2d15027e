//! The machine that something is measured on: a figure without it says nothing.

use std::{fs, process::Command};

use serde::Serialize;

use crate::{build, commands::capture, paths::Paths};

/// What a reader has to know about the machine and the code; what cannot be told is absent.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's model.
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The compiler.
    pub rustc: Option<String>,
    /// The commit, with `+` when files differ from it.
    pub commit: Option<String>,
    /// When it was looked at: RFC 3339, UTC.
    pub at: String,
    /// How many processes wanted to run in the minute before; well above 0 means that others used the machine.
    pub load_average: Option<f64>,
}

impl Machine {
    /// This one, now.
    pub fn look(paths: &Paths) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        Self {
            cpu: model(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_mib: memory_mib(&read("/proc/meminfo")),
            kernel: Some(kernel).filter(|kernel| !kernel.is_empty()),
            rustc: capture(rustc(), "").ok().map(|text| text.trim().to_owned()),
            commit: commit(paths),
            at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            load_average: read("/proc/loadavg").split(' ').next().and_then(|number| number.parse().ok()),
        }
    }

    /// Whether others used it in the last minute, so that figures will be worse than the code deserves.
    pub fn is_busy(&self) -> bool {
        self.load_average.is_some_and(|load| load > 0.5 * self.cores as f64)
    }

    /// One line.
    pub fn line(&self) -> String {
        let unknown = "unknown".to_owned();
        format!(
            "{}, {} cores, {} MiB, Linux {}, {}, commit {}",
            self.cpu.as_ref().unwrap_or(&unknown),
            self.cores,
            self.memory_mib.unwrap_or_default(),
            self.kernel.as_ref().unwrap_or(&unknown),
            self.rustc.as_ref().unwrap_or(&unknown),
            self.commit.as_ref().unwrap_or(&unknown)
        )
    }
}

fn rustc() -> Command {
    let mut command = build::clean(Command::new("rustc"));
    command.arg("--version");
    command
}

fn commit(paths: &Paths) -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&paths.workspace);
        capture(command, "").ok()
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let differs = git(&["status", "--porcelain"]).is_none_or(|files| !files.trim().is_empty());
    Some(format!("{}{}", commit.trim(), if differs { "+" } else { "" }))
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(model("processor\t: 0\nmodel name\t: AMD EPYC 9B14\n").as_deref(), Some("AMD EPYC 9B14"));
        assert_eq!(memory_mib("MemTotal:       24684236 kB\n"), Some(24_105));
        assert_eq!((model(""), memory_mib("")), (None, None));
    }
}
