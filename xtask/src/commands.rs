//! Programs that are run to their end: output in a log, a deadline, and an end when somebody presses Ctrl-C.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;

use crate::{
    files, interrupt,
    processes::{Ask, Running},
    steps::{Step, seconds},
};

/// How long an interrupted command gets to end well.
const GIVE_UP: Duration = Duration::from_secs(5);

/// A program that ends when this process does, whatever ends it.
///
/// `setpriv` (util-linux, on every Debian) sets the parent-death signal; Rust's own API for it would be unsafe code. The
/// signal comes when the *thread* that started the program ends, so programs are started from the main thread only.
pub fn guarded(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

/// Where a program is on the PATH, if it is.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| is_executable(candidate))
}

/// Whether a file is there that this user may run.
pub fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Runs a command to its end as part of a step; its last line of output is the step's note.
///
/// # Errors
/// When it fails, takes longer than `within` (it is ended then), or somebody asks to stop. The error holds the last lines.
pub fn run(step: &Step<'_>, command: Command, log: &Path, within: Duration) -> Result<()> {
    let name = spoken(&command);
    let status = watch(command, log, within, |line| step.note(line))?;
    if status.success() {
        return Ok(());
    }
    Err(failure(&name, status, log))
}

/// The error of a command that ended badly, with the last lines of its log.
pub fn failure(name: &str, status: ExitStatus, log: &Path) -> anyhow::Error {
    let lines = last_words(files::last_lines(log, 400)).join("\n    ");
    anyhow!("`{name}` ended with {status}. The end of {}:\n    {lines}", log.display())
}

/// The last 40 lines; what stands before a backtrace is worth more than its frames.
fn last_words(mut lines: Vec<String>) -> Vec<String> {
    if let Some(frames) = lines.iter().rposition(|line| line.trim().eq_ignore_ascii_case("stack backtrace:")) {
        lines.truncate(frames);
    }
    lines.split_off(lines.len().saturating_sub(40))
}

/// Runs a command to its end with its output in a fresh `log`, and hands every line of it to `line`.
pub fn watch(command: Command, log: &Path, within: Duration, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let name = spoken(&command);
    let mut running = Running::start(&name, command, log, Ask::Child(Signal::SIGTERM))?;
    let mut reader = LineReader::open(log)?;
    let deadline = Instant::now() + within;
    loop {
        let exit = running.exit();
        reader.read(&mut line)?;
        if let Some(status) = exit {
            reader.finish(&mut line);
            return Ok(status);
        }
        if interrupt::requested() {
            running.end_group(GIVE_UP);
            interrupt::check()?;
        }
        if Instant::now() >= deadline {
            running.end_group(GIVE_UP);
            let lines = files::last_lines(log, 20).join("\n    ");
            bail!(
                "`{name}` was still running after {} and was ended. The end of {}:\n    {lines}",
                seconds(within),
                log.display()
            );
        }
        thread::sleep(Duration::from_millis(40));
    }
}

/// Runs a short command and gives its standard output; `input` goes to its standard input.
///
/// # Errors
/// When it cannot start or fails; the error holds what it wrote to standard error.
pub fn capture(mut command: Command, input: &str) -> Result<String> {
    let name = spoken(&command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input closes it early; its exit code tells whether that is a fault.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(|| format!("cannot wait for `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` printed something that is not text"))
}

/// Whether a short command succeeds; its output is dropped.
pub fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as a person would name it: without what guards it, and not too long.
fn spoken(command: &Command) -> String {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let [program, arguments @ ..] = (match words.as_slice() {
        [setpriv, _, _, _, rest @ ..] if setpriv == "setpriv" => rest,
        all => all,
    }) else {
        return String::new();
    };
    // Where cargo lies is of no interest; that it is cargo is.
    let mut text = program.rsplit('/').next().unwrap_or_default().to_owned();
    for argument in arguments.iter().take(6) {
        text.push(' ');
        text.push_str(argument);
    }
    if arguments.len() > 6 {
        text.push_str(" …");
    }
    text
}

/// Reads a growing file line by line.
pub struct LineReader {
    file: File,
    rest: Vec<u8>,
}

impl LineReader {
    /// From its beginning.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file, rest: Vec::new() })
    }

    /// Hands on every line that became whole since the last call.
    pub fn read(&mut self, line: &mut impl FnMut(&str)) -> Result<()> {
        self.file.read_to_end(&mut self.rest).context("cannot read a log")?;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.rest.drain(..=end).collect();
            line(String::from_utf8_lossy(&whole).trim_end_matches(['\n', '\r']));
        }
        Ok(())
    }

    /// Begins again when the file at `path` is another one by now, as after a new start of its process.
    pub fn reopen_if_replaced(&mut self, path: &Path) -> Result<()> {
        let (Ok(there), Ok(here)) = (path.metadata(), self.file.metadata()) else {
            return Ok(());
        };
        if (there.dev(), there.ino()) != (here.dev(), here.ino()) {
            *self = Self::open(path)?;
        }
        Ok(())
    }

    /// Hands on what is left without a newline.
    pub fn finish(&mut self, line: &mut impl FnMut(&str)) {
        if !self.rest.is_empty() {
            line(&String::from_utf8_lossy(&std::mem::take(&mut self.rest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("muster-{name}-{}.log", std::process::id()))
    }

    #[test]
    fn lines_and_exit_codes_arrive() {
        let path = log("watch");
        let mut command = guarded("sh");
        command.args(["-c", "echo one; echo two >&2; printf three; exit 3"]);
        assert_eq!(spoken(&command), "sh -c echo one; echo two >&2; printf three; exit 3");
        let mut lines = Vec::new();
        let status = watch(command, &path, Duration::from_secs(10), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((status.code(), lines), (Some(3), vec!["one".into(), "two".into(), "three".into()]));
        files::remove(&path).unwrap();
    }

    #[test]
    fn what_takes_too_long_is_ended() {
        let path = log("deadline");
        let mut command = guarded("sleep");
        command.arg("60");
        let error = watch(command, &path, Duration::from_millis(200), |_| {}).unwrap_err();
        assert!(error.to_string().contains("was ended"), "{error}");
        files::remove(&path).unwrap();
    }

    #[test]
    fn a_backtrace_does_not_hide_the_error() {
        let mut lines = vec!["Error: no such key".to_owned(), "Stack backtrace:".to_owned()];
        lines.extend((0..60).map(|frame| format!("   {frame}: core::ops")));
        assert_eq!(last_words(lines), ["Error: no such key"]);
        let many: Vec<String> = (0..50).map(|line| line.to_string()).collect();
        assert_eq!(last_words(many.clone()), many[10..]);
    }

    #[test]
    fn input_and_errors_of_captured_commands() {
        assert_eq!(capture(Command::new("cat"), "hello").unwrap(), "hello");
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken >&2; exit 1"]);
        assert!(capture(command, "").unwrap_err().to_string().contains("broken"));
        assert!(which("sh").is_some() && which("no-such-program").is_none());
    }
}
