//! What the kernel knows about this process, under the names Prometheus clients use everywhere.

use std::{fmt::Write, fs};

/// Ticks per second in `/proc`; the kernel's interface fixes it (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The metrics in text format. What cannot be read (another operating system) is left out.
pub(super) fn render() -> String {
    let mut text = String::new();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();

    gauge(&mut text, "process_resident_memory_bytes", "Memory in use.", resident_bytes(&status));
    gauge(&mut text, "process_threads", "Threads.", line_number(&status, "Threads:"));
    gauge(&mut text, "process_open_fds", "Open file descriptors.", open_fds());
    gauge(&mut text, "process_max_fds", "The most file descriptors that may be open.", max_fds(&limits));
    gauge(&mut text, "process_start_time_seconds", "When the process began, in Unix time.", start_time(&stat, &boot));
    metric(
        &mut text,
        "process_cpu_seconds_total",
        "counter",
        "Processor time used, user and system.",
        cpu_seconds(&stat),
    );
    text
}

fn gauge(text: &mut String, name: &str, help: &str, value: Option<f64>) {
    metric(text, name, "gauge", help, value);
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value {
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
}

fn resident_bytes(status: &str) -> Option<f64> {
    line_number(status, "VmRSS:").map(|kibibytes| kibibytes * 1024.0)
}

/// The first number of the line that starts with `name`.
fn line_number(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn open_fds() -> Option<f64> {
    // The directory being read is open itself.
    fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as f64)
}

fn max_fds(limits: &str) -> Option<f64> {
    line_number(limits, "Max open files")
}

/// Field `number` (as proc(5) counts) of `/proc/self/stat`. The second, the name, may hold spaces, so counting starts
/// behind its closing bracket.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(number - 3)?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((stat_field(stat, 14)? + stat_field(stat, 15)?) / TICKS)
}

fn start_time(stat: &str, boot: &str) -> Option<f64> {
    Some(line_number(boot, "btime")? + stat_field(stat, 22)? / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_behind_a_name_with_spaces_and_brackets() {
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 250 0 0 20 0 4 0 1000 1 2";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(start_time(stat, "cpu 1\nbtime 1700000000\n"), Some(1_700_000_010.0));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152.0));
        assert_eq!(max_fds("Max open files            1024                 4096                 files"), Some(1024.0));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        assert_eq!((cpu_seconds(""), resident_bytes("")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn tells_about_this_process() {
        let text = render();
        for name in [
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_cpu_seconds_total",
            "process_start_time_seconds",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "{text}");
        }
    }
}
