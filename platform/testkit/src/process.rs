//! One Muster binary as a child process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

use crate::{binaries::command, http, logs};

const READY_WITHIN: Duration = Duration::from_secs(20);
const EXIT_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(25);
const TAIL_LINES: usize = 40;

/// A signal that a test may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: drain and exit.
    Terminate,
    /// SIGINT: what Ctrl-C sends.
    Interrupt,
    /// SIGSTOP: frozen, its sockets open.
    Stop,
    /// SIGCONT: thawed.
    Continue,
    /// SIGKILL.
    Kill,
}

impl Signal {
    fn number(self) -> rustix::process::Signal {
        match self {
            Self::Terminate => rustix::process::Signal::TERM,
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Stop => rustix::process::Signal::STOP,
            Self::Continue => rustix::process::Signal::CONT,
            Self::Kill => rustix::process::Signal::KILL,
        }
    }
}

/// How a process is to be started; the same again at a restart.
#[derive(Debug, Clone)]
pub struct ProcessBuilder {
    binary: String,
    label: String,
    args: Vec<String>,
    envs: Vec<(String, String)>,
}

impl ProcessBuilder {
    /// One argument more.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Several arguments more.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// One environment variable; a later one of the same name wins.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.envs.push((key.into(), value.into()));
        self
    }

    /// Several environment variables.
    #[must_use]
    pub fn envs(mut self, envs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.envs.extend(envs);
        self
    }

    /// The name in the log file's; the binary's without one.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Starts it. Its output goes to `target/test-logs/<test>-<label>.log`.
    ///
    /// # Panics
    /// When the binary is not built or does not start.
    #[must_use]
    pub fn spawn(self) -> Process {
        let (log_path, log) = logs::open(&self.label);
        let errors = log.try_clone().expect("a file can be opened twice");
        let child = command(&self.binary)
            .args(&self.args)
            .envs(self.envs.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.binary));
        let pid = child.id().expect("a child that was not waited for has an id");
        Process { label: self.label, log_path, child, pid }
    }
}

/// A running Muster binary. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    label: String,
    log_path: PathBuf,
    child: Child,
    pid: u32,
}

impl Process {
    /// A binary of the platform by its name, e.g. `muster-server`.
    #[must_use]
    pub fn command(binary_name: &str) -> ProcessBuilder {
        ProcessBuilder {
            binary: binary_name.to_owned(),
            label: binary_name.to_owned(),
            args: Vec::new(),
            envs: Vec::new(),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name in this test.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The file that has its output.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// Everything it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap_or_default()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `<ops_url>/readyz` answers 200.
    ///
    /// # Panics
    /// When it ends, or is not ready within 20 s; with the last answer and the end of its log.
    pub async fn wait_ready(&mut self, ops_url: &str) {
        let url = format!("{ops_url}/readyz");
        let http = http::client();
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let answer = match http.get(&url).timeout(Duration::from_secs(2)).send().await {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => {
                    let status = response.status();
                    format!("{status} {}", response.text().await.unwrap_or_default())
                }
                Err(error) => error.to_string(),
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{} ended ({status}) before it was ready{}", self.label, self.tail());
            }
            assert!(
                Instant::now() < deadline,
                "{} was not ready within {READY_WITHIN:?}; {url} said: {answer}{}",
                self.label,
                self.tail()
            );
            sleep(POLL).await;
        }
    }

    /// Waits for its end and gives the exit code, or minus the signal's number.
    ///
    /// # Panics
    /// When it still runs after `within`.
    pub async fn wait_exit(&mut self, within: Duration) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        match timeout(within, self.child.wait()).await {
            Ok(Ok(status)) => status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)),
            Ok(Err(error)) => panic!("{} cannot be waited for: {error}", self.label),
            Err(_) => panic!("{} still ran after {within:?}{}", self.label, self.tail()),
        }
    }

    /// Sends a signal to this process only. One that has ended already gets none.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub fn signal(&self, signal: Signal) {
        // `Child::id` is empty once the child was waited for: from then on the number may be somebody else's.
        let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        else {
            return;
        };
        rustix::process::kill_process(pid, signal.number())
            .unwrap_or_else(|error| panic!("{} cannot be sent {signal:?}: {error}", self.label));
    }

    /// Kills it without a chance to say goodbye, and waits until it is gone.
    ///
    /// # Panics
    /// When it is not gone within 30 s.
    pub async fn kill9(&mut self) {
        self.signal(Signal::Kill);
        self.wait_exit(EXIT_WITHIN).await;
    }

    /// Asks it to drain and gives its exit code; 0 is what a Muster process owes.
    ///
    /// # Panics
    /// When it still runs after 30 s.
    pub async fn terminate(&mut self) -> i32 {
        self.signal(Signal::Terminate);
        self.wait_exit(EXIT_WITHIN).await
    }

    fn tail(&self) -> String {
        format!("\n--- the end of {} ---\n{}\n---", self.log_path.display(), logs::tail(&self.log_path, TAIL_LINES))
    }
}
