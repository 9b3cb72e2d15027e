//! A running process.

use std::{borrow::Cow, net::SocketAddr, process::ExitCode, time::Duration};

use axum::{
    Router,
    serve::{ListenerExt, TapIo},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{
    Health, SecretError, SecretSource, TaskOutcome, Tasks, Telemetry, TelemetryError, metrics::Metrics, ops,
    settings::*, signals::Signals,
};

/// The most of the grace that is kept for flushing logs and traces.
const FLUSH: Duration = Duration::from_secs(2);
/// Between two rounds of upkeep of the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// The settings a runtime needs; [`common!`](crate::common) takes them out of a binary's own.
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// Log lines.
    pub log: LogSettings,
    /// Spans.
    pub traces: TracesSettings,
    /// Log lines pushed to Loki.
    pub loki: LokiSettings,
    /// The ops port.
    pub ops: OpsSettings,
    /// The end.
    pub shutdown: ShutdownSettings,
    /// The secrets provider.
    pub secrets: SecretsSettings,
}

/// The [`Common`] settings of a struct that has fields of these names.
///
/// ```
/// # use muster_runtime::Common;
/// let settings = Common::default(); // or a binary's own settings
/// let common = muster_runtime::common!(settings);
/// ```
#[macro_export]
macro_rules! common {
    ($settings:expr) => {
        $crate::Common {
            log: $settings.log.clone(),
            traces: $settings.traces.clone(),
            loki: $settings.loki.clone(),
            ops: $settings.ops.clone(),
            shutdown: $settings.shutdown.clone(),
            secrets: $settings.secrets.clone(),
        }
    };
}

/// Why a process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Logs or traces.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Metrics.
    #[error("{0}")]
    Metrics(String),
    /// The secrets provider.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// A port.
    #[error(
        "cannot listen on {address} for {server}: {reason}; stop what uses the port, or set another in {server}.listen"
    )]
    Listen {
        /// Which server wanted the port.
        server: &'static str,
        /// The address it wanted.
        address: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Signals.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

/// A running process: its telemetry, ops port, health, secrets, tasks and end.
pub struct Runtime {
    health: Health,
    secrets: SecretSource,
    tasks: Tasks,
    telemetry: Telemetry,
    ops_address: SocketAddr,
    grace: Duration,
}

impl Runtime {
    /// Sets up the process: cryptography, logs, traces, metrics, secrets, the ops port, signals. Once per process, inside
    /// a multi-threaded Tokio runtime. Until [`Runtime::run_until_drained`] the process is live, but not ready.
    ///
    /// # Errors
    /// When one of them cannot be set up.
    pub async fn start(process: &'static str, common: Common) -> Result<Self, StartError> {
        crate::install_crypto();
        let signals = Signals::listen().map_err(StartError::Signals)?;
        let telemetry = Telemetry::install(process, &common.log, &common.traces, &common.loki).await?;
        log_panics();
        let metrics = Metrics::install(process).map_err(|error| StartError::Metrics(error.to_string()))?;
        let secrets = SecretSource::new(&common.secrets)?;
        let health = Health::new();
        let tasks = Tasks::default();

        let (listener, ops_address) = bind("ops", common.ops.listen).await?;
        let router = ops::router(health.clone(), metrics.clone());
        // Neither is one of the process's tasks: both go on while those are drained, and end with the process.
        tokio::spawn(axum::serve(listener, router).into_future());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                metrics.upkeep();
            }
        });
        tokio::spawn(signals.obey(tasks.drain(), common.shutdown.grace));
        tracing::info!(process, version = env!("CARGO_PKG_VERSION"), %ops_address, "starting");
        Ok(Self { health, secrets, tasks, telemetry, ops_address, grace: common.shutdown.grace })
    }

    /// The health of the process; register its dependencies here.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The secrets of the process.
    pub fn secrets(&self) -> &SecretSource {
        &self.secrets
    }

    /// Cancelled when the process should end: stop taking new work, finish or hand over what is running.
    pub fn drain(&self) -> CancellationToken {
        self.tasks.drain()
    }

    /// The tasks of the process, for code that spawns later.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Runs a named task; see [`Tasks::spawn`].
    pub fn spawn<F>(&self, name: impl Into<Cow<'static, str>>, task: F)
    where
        F: Future + Send + 'static,
        F::Output: TaskOutcome,
    {
        self.tasks.spawn(name, task);
    }

    /// Where the ops port listens.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Serves a router as the task `name`. The port is bound when this returns, with the address it is bound to. Handlers can
    /// extract `ConnectInfo<SocketAddr>`. At the drain no new connection is taken and the requests under way are finished;
    /// connections still open after half the grace are dropped.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(
        &self,
        name: &'static str,
        listen: SocketAddr,
        router: Router,
    ) -> Result<SocketAddr, StartError> {
        let (listener, address) = bind(name, listen).await?;
        let (drain, linger) = (self.drain(), self.grace / 2);
        self.spawn(name, async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service).with_graceful_shutdown(drain.clone().cancelled_owned());
            tokio::select! {
                served = serving.into_future() => served,
                () = async { drain.cancelled().await; tokio::time::sleep(linger).await } => {
                    tracing::info!(server = name, "dropping the connections that are still open");
                    Ok(())
                }
            }
        });
        Ok(address)
    }

    /// The rest of the process's life: it is ready from here on, and this returns when it has drained and flushed. Leave
    /// `main` with the code: 0, or 1 when a task failed.
    ///
    /// Tasks that are not done when the grace is over are named in the log, and the process ends here with 1: a thread
    /// that blocks could otherwise hold it up for ever.
    pub async fn run_until_drained(self) -> ExitCode {
        let drain = self.drain();
        self.health.running();
        tracing::info!("ready");
        drain.cancelled().await;
        self.health.draining();

        let flush = FLUSH.min(self.grace / 10);
        let in_time = tokio::time::timeout(self.grace.saturating_sub(flush), self.tasks.finished()).await.is_ok();
        if !in_time {
            tracing::error!(tasks = self.tasks.unfinished().join(", "), grace = ?self.grace, "tasks did not end in time");
        }
        let failed = self.tasks.failed();
        tracing::info!(failed = failed || !in_time, "drained");
        self.telemetry.shutdown(flush).await;
        if !in_time {
            std::process::exit(1);
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// A listener whose connections send small packets at once.
type PromptListener = TapIo<TcpListener, fn(&mut TcpStream)>;

async fn bind(server: &'static str, address: SocketAddr) -> Result<(PromptListener, SocketAddr), StartError> {
    let refused = |reason| StartError::Listen { server, address, reason };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener.tap_io(send_at_once as fn(&mut TcpStream)), bound))
}

/// A move in a match is one small packet and must not wait for more to fill it up.
fn send_at_once(stream: &mut TcpStream) {
    // Where it cannot be had, answers are only slower.
    let _ = stream.set_nodelay(true);
}

/// Panics become log lines like any other.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = crate::tasks::panic_message(panic.payload());
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "panicked: {message}");
    }));
}
