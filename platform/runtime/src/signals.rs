//! SIGTERM and SIGINT.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals that end a process.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over from the default, which is to end at once.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The first signal starts the drain; the second ends the process at once, with the code a shell gives for that signal.
    ///
    /// A process that has not ended when the grace is over hangs where nobody waits for its tasks (at its start, say), and
    /// is ended as well.
    pub(crate) async fn obey(mut self, drain: CancellationToken, grace: Duration) {
        let (name, _) = self.next().await;
        tracing::info!(signal = name, "draining; a second signal ends the process at once");
        drain.cancel();
        match tokio::time::timeout(grace, self.next()).await {
            Ok((name, code)) => {
                tracing::warn!(signal = name, "ending at once");
                std::process::exit(code);
            }
            Err(_) => {
                tracing::error!(?grace, "the process did not end in time");
                std::process::exit(1);
            }
        }
    }

    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 128 + 15),
            _ = self.interrupt.recv() => ("SIGINT", 128 + 2),
        }
    }
}
