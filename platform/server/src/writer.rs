//! The writer role: moves telemetry from the stream into the hypertable, each event once.
//!
//! A batch is acknowledged only after its transaction; what is delivered again changes nothing, so `kill -9` at any point loses
//! nothing and counts nothing twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_runtime::Tasks;
use muster_store::{PassedOver, Store, StoreError, TelemetryConsumer};
use tokio_util::sync::CancellationToken;

use crate::gateway::event_book::EventBook;
use crate::settings::WriterSettings;
use crate::{events, facts};

/// Pause after a failure, before the stream delivers again.
const RETRY: Duration = Duration::from_secs(1);

/// Between two looks at the stream.
const LOOK: Duration = Duration::from_secs(2);

/// For how long a message has to stay behind the writers' place until it counts as passed over. An acknowledged one leaves
/// the stream within milliseconds, and what a writer held when NATS was killed comes again within 20 s, if it comes.
const STAYED: Duration = Duration::from_secs(30);

/// Starts the writer.
///
/// # Errors
/// The event types cannot be read.
pub async fn start(store: Store, settings: WriterSettings, tasks: &Tasks) -> Result<(), StoreError> {
    events::writer_begins();
    let (catalogue, watch) = store.event_types.watch().await?;
    let types = Arc::new(EventBook::new(catalogue));
    let (followed, drain) = (Arc::clone(&types), tasks.drain());
    tasks.spawn("writer-event-types", async move { followed.follow(watch, drain).await });
    // While one waits for the database or the stream, the other is at work. They share the writers' place in the stream.
    for _ in 0..settings.batches_at_once {
        tasks.spawn("writer", run(store.clone(), settings.clone(), Arc::clone(&types), tasks.drain()));
    }
    tasks.spawn("facts", facts::run(store.clone(), tasks.drain()));
    tasks.spawn("writer-lag", watch_lag(store, tasks.drain()));
    Ok(())
}

async fn run(
    store: Store,
    settings: WriterSettings,
    types: Arc<EventBook>,
    drain: CancellationToken,
) -> Result<(), StoreError> {
    let mut consumer = store.telemetry.consumer().await?;
    while !drain.is_cancelled() {
        if let Err(error) = write_next(&store, &mut consumer, &settings, &types).await {
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
    types: &EventBook,
) -> Result<(), StoreError> {
    let mut batch = consumer.next_batch(settings.batch_events, settings.batch_wait).await?;
    if batch.is_empty() {
        return Ok(());
    }
    batch.heed(types.now());
    let began = Instant::now();
    let stored = store.telemetry.store(batch).await?;
    events::telemetry_stored(&stored, began.elapsed());
    Ok(())
}

/// Shows how much waits in the stream, and brings again what stays there though the writers are past it.
async fn watch_lag(store: Store, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK);
    let mut left_behind = LeftBehind::default();
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
        tokio::select! {
            () = drain.cancelled() => return,
            looked = look_behind(&store, &mut left_behind) => if let Err(error) = looked {
                tracing::warn!(error = &error as &dyn std::error::Error, "what the telemetry writers passed over stays for now");
            }
        }
    }
}

async fn look_behind(store: &Store, left_behind: &mut LeftBehind) -> Result<(), StoreError> {
    let passed = store.telemetry.passed_over().await?;
    if let Some(left) = left_behind.seen(passed, Instant::now()) {
        events::telemetry_brought_again(store.telemetry.bring_again(left).await?);
    }
    Ok(())
}

/// What the writers have been past, and since when.
#[derive(Default)]
struct LeftBehind(Option<(PassedOver, Instant)>);

impl LeftBehind {
    /// What a look found; gives what was there at a look so long ago and is there still.
    fn seen(&mut self, passed: Option<PassedOver>, now: Instant) -> Option<PassedOver> {
        let Some(passed) = passed else {
            self.0 = None;
            return None;
        };
        match self.0 {
            Some((first, since)) if first.first == passed.first => (now - since >= STAYED).then_some(first),
            _ => {
                self.0 = Some((passed, now));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told_and_what_is_on_its_way_out_is_not() {
        let (began, mut left) = (Instant::now(), LeftBehind::default());
        let at = |secs| began + Duration::from_secs(secs);
        let passed = |first, through| Some(PassedOver { first, through });
        // Others leave the stream all the time.
        for second in 0..100 {
            assert_eq!(left.seen(passed(second, second + 5), at(second)), None);
        }
        assert_eq!(left.seen(passed(100, 120), at(100)), None);
        assert_eq!(left.seen(passed(100, 500), at(129)), None);
        // Only what has been there all the time: the newest may be on their way out.
        assert_eq!(left.seen(passed(100, 900), at(130)), passed(100, 120));
        assert_eq!(left.seen(None, at(132)), None);
        assert_eq!(left.seen(passed(100, 120), at(134)), None);
    }
}
