//! Log lines pushed to Loki.

use tokio::task::JoinHandle;

use super::TelemetryError;
use crate::SecretUrl;

/// The background task that pushes.
pub(super) struct Pusher {
    controller: tracing_loki::BackgroundTaskController,
    task: JoinHandle<()>,
}

/// A layer for the registry, and the task behind it, already running.
pub(super) fn start(
    process: &str,
    environment: &str,
    url: &SecretUrl,
) -> Result<(tracing_loki::Layer, Pusher), TelemetryError> {
    let refused = |error: tracing_loki::Error| TelemetryError::Loki(error.to_string());
    let mut base = url.url().clone();
    if !base.path().ends_with('/') {
        // Without the slash the last part of the path would be replaced by the push path.
        base.set_path(&format!("{}/", base.path()));
    }
    let (layer, controller, task) = tracing_loki::builder()
        .label("service", process)
        .and_then(|builder| builder.label("env", environment))
        .and_then(|builder| builder.build_controller_url(base))
        .map_err(refused)?;
    Ok((layer, Pusher { controller, task: tokio::spawn(task) }))
}

impl Pusher {
    /// Pushes what is left and ends.
    pub(super) async fn shutdown(self) {
        self.controller.shutdown().await;
        // It only ends badly when it panicked, and then there is nothing left to push with.
        let _ = self.task.await;
    }
}
