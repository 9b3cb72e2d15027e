//! The platform's own telemetry, on its way to the stream without holding up the work that it tells of.
//!
//! What must not be lost (how a match began and ended) is published by its owner and awaited; see `referee::settle`. What comes
//! through here is dropped, and counted as dropped, when the stream cannot keep up for longer than the queue lasts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use muster_runtime::Tasks;
use muster_store::{PublishError, Store, TelemetryEvent};
use tokio::sync::mpsc;

use crate::events;

/// Events that may wait for the stream.
const WAITING: usize = 8_192;
/// Events published together: as many as one message of the stream carries.
const BATCH: usize = 500;

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
            events::telemetry_dropped(1, None);
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
        publish_all(&store, &mut batch).await;
        batch.clear();
    }
}

/// Publishes events, trying again for a while with those that were not taken; what still fails is counted and let go.
async fn publish_all(store: &Store, events: &mut Vec<TelemetryEvent>) {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(8)
        .with_jitter();
    for pause in backoff.build().map(Some).chain([None]) {
        let Some(error) = publish_once(store, events).await else { return };
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => events::telemetry_dropped(events.len(), Some(&error)),
        }
    }
}

/// Publishes events and keeps those that were not taken; why the last of them was not.
async fn publish_once(store: &Store, events: &mut Vec<TelemetryEvent>) -> Option<PublishError> {
    let mut verdicts = store.telemetry.publish_all(events).await.into_iter();
    let mut last = None;
    events.retain(|_| match verdicts.next() {
        Some(Err(error)) => {
            last = Some(error);
            true
        }
        _ => false,
    });
    last
}
