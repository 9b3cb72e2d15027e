//! The platform's own telemetry, on its way to the stream without holding up the work that it tells of.
//!
//! What must not be lost (how a match began and ended) is published by its owner and awaited; see `referee::settle`. What comes
//! through here is dropped, and counted as dropped, when the stream cannot keep up for longer than the queue lasts.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use metrics::counter;
use muster_runtime::Tasks;
use muster_store::{PublishError, Store, TelemetryEvent};
use tokio::sync::mpsc;

/// Events that may wait for the stream.
const WAITING: usize = 8_192;
/// Events published together.
const BATCH: usize = 256;

/// Where handlers leave their events.
#[derive(Clone)]
pub struct TelemetryQueue(mpsc::Sender<TelemetryEvent>);

impl TelemetryQueue {
    /// Starts the publisher; at drain it publishes what still waits, then ends.
    pub fn start(store: Store, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tasks.spawn("telemetry-publisher", publish(store, receiver, tasks.drain()));
        Self(sender)
    }

    /// Leaves an event; never waits.
    pub fn offer(&self, event: TelemetryEvent) {
        if self.0.try_send(event).is_err() {
            counter!("muster_telemetry_events_dropped_total").increment(1);
        }
    }
}

async fn publish(
    store: Store,
    mut receiver: mpsc::Receiver<TelemetryEvent>,
    drain: tokio_util::sync::CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            received = receiver.recv_many(&mut batch, BATCH) => if received == 0 { return },
            () = drain.cancelled() => {
                receiver.close();
                if receiver.recv_many(&mut batch, BATCH).await == 0 { return }
            }
        }
        publish_all(&store, &batch).await;
        batch.clear();
    }
}

/// Publishes each event, trying again for a while; what still fails is counted and let go.
async fn publish_all(store: &Store, events: &[TelemetryEvent]) {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(8)
        .with_jitter();
    // A repeated event is counted once by its id, so the whole batch can be tried again.
    let attempt =
        || async { store.telemetry.publish_all(events).await.into_iter().collect::<Result<Vec<()>, PublishError>>() };
    if let Err(error) = attempt.retry(backoff).await {
        counter!("muster_telemetry_events_dropped_total").increment(events.len() as u64);
        tracing::error!(
            error = &error as &dyn std::error::Error,
            events = events.len(),
            "telemetry could not be published and was dropped"
        );
    }
}
