//! One process of the platform with its addresses.

use crate::{Process, process::ProcessBuilder, random::free_port};

/// A process that listens on two ports and can be started again on the same.
pub(super) struct Replica {
    pub(super) process: Process,
    pub(super) url: String,
    pub(super) ops_url: String,
    command: ProcessBuilder,
}

impl Replica {
    /// Starts `command` on two free ports and waits until it is ready.
    pub(super) async fn start(command: ProcessBuilder) -> Self {
        let (port, ops_port) = (free_port(), free_port());
        let command = command
            .env("MUSTER__HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("MUSTER__OPS__LISTEN", format!("127.0.0.1:{ops_port}"));
        let mut replica = Self {
            process: command.clone().spawn(),
            url: format!("http://127.0.0.1:{port}"),
            ops_url: format!("http://127.0.0.1:{ops_port}"),
            command,
        };
        replica.process.wait_ready(&replica.ops_url).await;
        replica
    }

    /// The same again; what still runs of it is killed first.
    pub(super) async fn restart(&mut self) {
        if self.process.is_running() {
            self.process.kill9().await;
        }
        self.process = self.command.clone().spawn();
        self.process.wait_ready(&self.ops_url).await;
    }
}
