//! Where the output of a test's processes goes.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::binaries::profile_directory;

/// The logs that this test process has begun: a restarted process goes on in its own.
static BEGUN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// `target/test-logs/<test>-<label>.log`, emptied of what an earlier run of the test wrote.
pub(crate) fn open(label: &str) -> (PathBuf, fs::File) {
    let directory = profile_directory().parent().map_or_else(profile_directory, Path::to_path_buf).join("test-logs");
    fs::create_dir_all(&directory).unwrap_or_else(|error| panic!("{} cannot be made: {error}", directory.display()));
    let path = directory.join(format!("{}-{label}.log", test_name()));
    let first = BEGUN.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
    if first {
        // Absent is as good as removed.
        let _ = fs::remove_file(&path);
    }
    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
    let file = file.unwrap_or_else(|error| panic!("{} cannot be made: {error}", path.display()));
    (path, file)
}

/// The running test's name. Cargo's harness names the thread after it; nextest runs each test alone, on the main thread,
/// with its name among the arguments.
fn test_name() -> String {
    let thread = thread::current().name().unwrap_or("main").to_owned();
    let name = match thread.as_str() {
        "main" | "tokio-runtime-worker" | "tokio-rt-worker" => env::args()
            .skip(1)
            .find(|argument| !argument.starts_with('-'))
            .unwrap_or_else(|| format!("pid-{}", std::process::id())),
        _ => thread,
    };
    name.replace("::", ".").replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_', "-")
}

/// The last `lines` lines of a log.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_named_after_its_test() {
        assert!(test_name().contains("a_log_is_named_after_its_test"), "{}", test_name());
    }
}
