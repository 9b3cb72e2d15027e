//! Finding and running the platform's own programs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt, process::Command};

/// The path of a Muster binary: in `MUSTER_BIN_DIR`, else beside the test executable's directory.
///
/// # Panics
/// When it is not built, telling how to build it.
#[must_use]
#[track_caller]
pub fn binary(name: &str) -> PathBuf {
    let directory = env::var_os("MUSTER_BIN_DIR").map_or_else(profile_directory, PathBuf::from);
    let path = directory.join(name);
    let package = match name {
        "muster-bots" => "muster-client",
        "muster-audit" => "muster-server",
        other => other,
    };
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build -p {package}`, or point MUSTER_BIN_DIR at a directory that has it",
        path.display()
    );
    path
}

/// A command for the binary, without the `MUSTER__` settings of whoever runs the tests.
pub(crate) fn command(binary_name: &str) -> Command {
    let mut command = Command::new(binary(binary_name));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MUSTER__")) {
        command.env_remove(name);
    }
    command
}

/// `target/<profile>`, two steps above the test executable.
pub(crate) fn profile_directory() -> PathBuf {
    let executable = env::current_exe().expect("a running test has a path");
    let directory = executable.parent().and_then(Path::parent);
    directory.expect("a test runs from target/<profile>/deps").to_path_buf()
}

/// What a program that ran to its end left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its exit code; −1 when a signal ended it.
    pub code: i32,
    /// Everything it wrote to its standard output.
    pub stdout: String,
    /// Everything it wrote to its standard error.
    pub stderr: String,
}

/// Runs a Muster binary to its end.
///
/// # Panics
/// When it is not built or cannot be started.
pub async fn run(binary_name: &str, args: &[&str], envs: &[(String, String)], stdin: &str) -> Finished {
    let mut child = command(binary_name)
        .args(args)
        .envs(envs.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{binary_name} does not start: {error}"));
    let mut input = child.stdin.take().expect("stdin was asked for");
    // A program that does not read its input may be gone already; its exit code tells more than a broken pipe.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let output =
        child.wait_with_output().await.unwrap_or_else(|error| panic!("{binary_name} cannot be waited for: {error}"));
    Finished {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
