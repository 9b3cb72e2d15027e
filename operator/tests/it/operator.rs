//! The program, run in a cluster.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use muster_testkit::{eventually, free_port};
use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::SOON;

/// A running `muster-operator`. Dropping it kills it.
pub struct Operator {
    child: Child,
    log: PathBuf,
    ops: String,
}

impl Operator {
    /// Starts it with the cluster of a kubeconfig and settings `section.key=value`.
    pub fn start(label: &str, kubeconfig: &Path, settings: &[&str]) -> Self {
        Self::start_by(Command::new(env!("CARGO_BIN_EXE_muster-operator")), label, kubeconfig, settings)
    }

    /// The same, with variables in its environment.
    #[allow(dead_code, reason = "the tests', not the benchmark's")]
    pub fn start_in(environment: &[(&str, &str)], label: &str, kubeconfig: &Path, settings: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster-operator"));
        command.envs(environment.iter().copied());
        Self::start_by(command, label, kubeconfig, settings)
    }

    /// The same on one core.
    #[allow(dead_code, reason = "the benchmark's")]
    pub fn start_on_one_core(label: &str, kubeconfig: &Path, settings: &[&str]) -> Self {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0", env!("CARGO_BIN_EXE_muster-operator")]);
        Self::start_by(command, label, kubeconfig, settings)
    }

    fn start_by(mut command: Command, label: &str, kubeconfig: &Path, settings: &[&str]) -> Self {
        let port = free_port();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("operator-{label}-{}.log", std::process::id()));
        let file = File::create(&log).expect("a log file");
        command.arg("run").args(["--set", &format!("ops.listen=127.0.0.1:{port}")]);
        // Short, so that tests need not wait; the rest as shipped.
        for setting in [
            "operator.poll=200ms",
            "operator.compare_secrets=1s",
            "operator.lease_namespace=muster-system",
            "operator.lease_duration=6s",
        ] {
            command.args(["--set", setting]);
        }
        for setting in settings {
            command.args(["--set", setting]);
        }
        let child = command
            .env("KUBECONFIG", kubeconfig)
            .env("HOSTNAME", label)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("the operator starts");
        Self { child, log, ops: format!("http://127.0.0.1:{port}") }
    }

    /// Its process id.
    #[allow(dead_code, reason = "the benchmark's")]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its metrics.
    pub async fn metrics(&self) -> Option<String> {
        let answer =
            reqwest::Client::builder().no_proxy().build().ok()?.get(format!("{}/metrics", self.ops)).send().await;
        answer.ok()?.text().await.ok()
    }

    /// The value of a metric without labels, or with exactly these.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let metrics = self.metrics().await?;
        metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// How often it has looked at resources of a kind, whatever came of it.
    pub async fn reconciles(&self, kind: &str) -> f64 {
        let metrics = self.metrics().await.unwrap_or_default();
        let of_kind = format!("kind=\"{kind}\"");
        let counted =
            metrics.lines().filter(|line| line.starts_with("muster_reconciles_total{") && line.contains(&of_kind));
        counted.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Waits until it has looked so much more often at resources of a kind: whatever it would have done, it would have done by then.
    pub async fn wait_reconciles(&self, kind: &str, more: f64) {
        let before = self.reconciles(kind).await;
        eventually(SOON, &format!("{more} more looks at {kind}"), async || {
            (self.reconciles(kind).await >= before + more).then_some(())
        })
        .await;
    }

    /// What it has written, by kind.
    pub async fn writes(&self) -> Vec<String> {
        let metrics = self.metrics().await.unwrap_or_default();
        let writes = metrics.lines().filter(|line| line.contains("writes_total{"));
        let mut writes: Vec<_> = writes.map(str::to_owned).collect();
        writes.sort();
        writes
    }

    /// Waits until `/readyz` says so.
    pub async fn wait_ready(&self) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        eventually(SOON, "the operator to be ready", async || {
            let answer = http.get(format!("{}/readyz", self.ops)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Waits until this one acts.
    pub async fn wait_leading(&self) {
        eventually(SOON, "the operator to act", async || {
            (self.metric("muster_operator_leading").await == Some(1.0)).then_some(())
        })
        .await;
    }

    /// Kills it without a chance to say goodbye.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to drain and gives its exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::TERM).expect("a signal to our own child");
        let child = &mut self.child;
        eventually(Duration::from_secs(30), "the operator to end", async || child.try_wait().ok().flatten())
            .await
            .code()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(40)..];
            eprintln!("--- the end of {} ---\n{}", self.log.display(), tail.join("\n"));
        }
    }
}
