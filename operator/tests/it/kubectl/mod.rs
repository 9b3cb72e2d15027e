//! `kubectl muster`, as a person runs it.
//!
//! A module a command: `status`, `drain`, `why`, `scale`, `rotate`, `report`, `logs`; `problems`: what is said when something is not as it
//! should be; `rights`: when a person may only look; `unreadable`: when a resource is stored that nobody can read. `pod_logs`: an API
//! server that has logs, which the one of the other tests has not.

mod drain;
mod logs;
mod pod_logs;
mod problems;
mod report;
mod rights;
mod rotate;
mod scale;
mod status;
mod unreadable;
mod why;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use muster_testkit::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::cluster::{Cluster, SOON};

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Ended so, or the test fails with all that it said.
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

fn command(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-muster"));
    command.args(arguments).env("KUBECONFIG", kubeconfig).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it with a kubeconfig.
pub async fn run(kubeconfig: &Path, arguments: &[&str]) -> Said {
    let output = command(kubeconfig, arguments).output().await.expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it as one who may do everything.
pub async fn muster(cluster: &Cluster, arguments: &[&str]) -> Said {
    run(&cluster.admin_kubeconfig(), arguments).await
}

/// One that runs.
pub struct Running {
    child: Child,
    progress: Lines<BufReader<ChildStderr>>,
    told: String,
    results: Lines<BufReader<ChildStdout>>,
    printed: String,
}

impl Running {
    pub fn start(cluster: &Cluster, arguments: &[&str]) -> Self {
        Self::start_with(&cluster.admin_kubeconfig(), arguments)
    }

    pub fn start_with(kubeconfig: &Path, arguments: &[&str]) -> Self {
        let mut command = command(kubeconfig, arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let progress = BufReader::new(child.stderr.take().expect("its standard error")).lines();
        let results = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        Self { child, progress, told: String::new(), results, printed: String::new() }
    }

    /// Waits for the next line of its result.
    pub async fn next_line(&mut self) -> String {
        let line = tokio::time::timeout(SOON, self.results.next_line()).await.expect("a line in time");
        let line = line.expect("text").unwrap_or_else(|| panic!("it ended after: {}", self.printed));
        self.printed.push_str(&line);
        self.printed.push('\n');
        line
    }

    /// Waits until it has told this on its way.
    pub async fn wait_told(&mut self, part: &str) {
        let told = async {
            while let Some(line) = self.progress.next_line().await.expect("text") {
                self.told.push_str(&line);
                self.told.push('\n');
                if line.contains(part) {
                    return;
                }
            }
            panic!("it ended without {part:?}: {}", self.told);
        };
        tokio::time::timeout(SOON, told).await.unwrap_or_else(|_| panic!("waited for {part:?}"));
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs");
        kill_process(pid, Signal::INT).expect("a signal to our own child");
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Said {
        let ended = async {
            while let Some(line) = self.results.next_line().await.expect("text") {
                self.printed.push_str(&line);
                self.printed.push('\n');
            }
            while let Some(line) = self.progress.next_line().await.expect("text") {
                self.told.push_str(&line);
                self.told.push('\n');
            }
            let code = self.child.wait().await.expect("it ends").code();
            Said { code, out: self.printed.clone(), err: self.told.clone() }
        };
        tokio::time::timeout(SOON, ended).await.expect("it ends in time")
    }
}

/// A kubeconfig beside the cluster's own, with something else in it.
pub fn kubeconfig(cluster: &Cluster, name: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    let own = cluster.admin_kubeconfig();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&own).expect("ours")).expect("JSON");
    change(&mut config);
    let path = own.with_file_name(format!("{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).expect("a kubeconfig");
    path
}

/// The smallest RegionAutoscaler of `eu-west`'s gateways, which asks a page of metrics.
pub fn autoscaler(page: &str) -> Value {
    json!({
        "regionRef": { "name": "eu-west" }, "role": "gateway", "min": 1, "max": 8,
        "policy": { "buffer": { "playersPerReplica": 1000 } }, "metrics": { "url": page },
    })
}

/// Applies one of Muster's resources.
pub async fn apply(cluster: &Cluster, namespace: &str, kind: &str, name: &str, spec: Value) {
    let manifest = json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": kind,
        "metadata": { "name": name, "namespace": namespace }, "spec": spec,
    });
    cluster.apply(manifest).await;
}

/// Waits until a command ends so.
pub async fn wait_ends(cluster: &Cluster, arguments: &[&str], code: i32) -> Said {
    let ends = format!("{arguments:?} to end with {code}");
    eventually(SOON, &ends, async || Some(muster(cluster, arguments).await).filter(|said| said.code == Some(code)))
        .await
}
