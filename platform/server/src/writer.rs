//! The writer role: moves telemetry from the stream into the hypertable, each event once.
//!
//! A batch is acknowledged only after its transaction; what is delivered again changes nothing, so `kill -9` at any point loses
//! nothing and counts nothing twice.

use std::time::{Duration, Instant};

use muster_runtime::Tasks;
use muster_store::{Store, StoreError, TelemetryConsumer};
use tokio_util::sync::CancellationToken;

use crate::settings::WriterSettings;
use crate::{events, facts};

/// Pause after a failure, before the stream delivers again.
const RETRY: Duration = Duration::from_secs(1);

/// Starts the writer.
pub fn start(store: Store, settings: WriterSettings, tasks: &Tasks) {
    // While one waits for the database or the stream, the other is at work. They share the writers' place in the stream.
    for _ in 0..settings.batches_at_once {
        tasks.spawn("writer", run(store.clone(), settings.clone(), tasks.drain()));
    }
    tasks.spawn("facts", facts::run(store.clone(), tasks.drain()));
    tasks.spawn("writer-lag", watch_lag(store, tasks.drain()));
}

async fn run(store: Store, settings: WriterSettings, drain: CancellationToken) -> Result<(), StoreError> {
    let mut consumer = store.telemetry.consumer().await?;
    while !drain.is_cancelled() {
        if let Err(error) = write_next(&store, &mut consumer, &settings).await {
            events::telemetry_batch_failed(&error);
            tokio::select! {
                () = drain.cancelled() => {}
                () = tokio::time::sleep(RETRY) => renew(&store, &mut consumer).await,
            }
        }
    }
    consumer.release().await
}

/// Takes the writers' place in the stream again: after an outage NATS may have forgotten it. Should that fail, the old place is
/// tried once more.
async fn renew(store: &Store, consumer: &mut TelemetryConsumer) {
    match store.telemetry.consumer().await {
        Ok(fresh) => {
            if let Err(error) = std::mem::replace(consumer, fresh).release().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "what the writer held comes again later");
            }
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the telemetry stream could not be reached anew");
        }
    }
}

async fn write_next(
    store: &Store,
    consumer: &mut TelemetryConsumer,
    settings: &WriterSettings,
) -> Result<(), StoreError> {
    let batch = consumer.next_batch(settings.batch_events, settings.batch_wait).await?;
    if batch.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    let stored = store.telemetry.store(batch).await?;
    events::telemetry_stored(&stored, began.elapsed());
    Ok(())
}

/// Shows how much waits in the stream.
async fn watch_lag(store: Store, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match store.telemetry.pending().await {
            Ok(pending) => metrics::gauge!("muster_telemetry_lag_events").set(pending as f64),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the telemetry stream's lag could not be read")
            }
        }
    }
}
