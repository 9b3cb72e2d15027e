//! The example process, as a child.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::wait::{until, within};

/// The example `minimal`, which `cargo test` builds beside the tests.
pub fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples/minimal");
    assert!(path.exists(), "{} is missing: run `cargo test -p muster-runtime`, which builds it", path.display());
    path
}

/// Nothing of the tests' own environment gets into the settings.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A running process. Its log is read along.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    pub ops: SocketAddr,
}

impl Process {
    /// Starts the process on free ports and waits until its ops port answers.
    pub async fn start(set: &[&str]) -> Self {
        muster_runtime::install_crypto();
        let mut args = vec!["--set", "ops.listen=127.0.0.1:0", "--set", "http.listen=127.0.0.1:0"];
        args.extend(set.iter().flat_map(|setting| ["--set", setting]));
        let mut child = command(&args).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (written, stderr) = (lines.clone(), child.stderr.take().unwrap());
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("a log line is not JSON: {line}"));
                written.lock().unwrap().push(line);
            }
        });
        let mut process = Self { child, lines, ops: SocketAddr::from(([0; 4], 0)) };
        process.ops = process.line("starting").await["ops_address"].as_str().unwrap().parse().unwrap();
        process
    }

    /// The log line with this message, when it comes.
    pub async fn line(&self, message: &str) -> Value {
        until(&format!("the log line {message:?}"), || async { self.logged(message) }).await
    }

    pub fn logged(&self, message: &str) -> Option<Value> {
        self.lines.lock().unwrap().iter().find(|line| line["message"] == message).cloned()
    }

    /// The address of the player port.
    pub async fn http(&self) -> String {
        self.line("listening").await["address"].as_str().unwrap().to_owned()
    }

    /// The status code of `/readyz`.
    pub async fn ready(&self) -> Option<u16> {
        let answer = reqwest::get(format!("http://{}/readyz", self.ops)).await.ok()?;
        Some(answer.status().as_u16())
    }

    pub async fn until_ready(&self) {
        until("a ready process", || async { self.ready().await.filter(|code| *code == 200) }).await;
    }

    /// Sends a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
    }

    pub async fn exit(&mut self) -> ExitStatus {
        within("the end of the process", self.child.wait()).await.unwrap()
    }
}
