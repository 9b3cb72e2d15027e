//! The platform's own telemetry, on its way to the stream without holding up the work that it tells of.
//!
//! What must not be lost (how a match began and ended) is published by its owner and awaited; see `referee::settle`. What comes
//! through here is dropped, and counted as dropped, when the stream cannot keep up for longer than the queue lasts.

use std::collections::HashMap;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use muster_core::id::PlayerId;
use muster_runtime::Tasks;
use muster_store::{GameClient, PublishError, Store, TelemetryEvent};
use tokio::sync::mpsc;

use crate::events;

/// Events that may wait for the stream.
const WAITING: usize = 8_192;
/// Events published together: as many as one message of the stream carries.
const BATCH: usize = 500;

/// Where handlers leave their events.
#[derive(Clone)]
pub struct TelemetryQueue(mpsc::Sender<Left>);

/// An event that waits for the stream.
struct Left {
    event: TelemetryEvent,
    /// Whose platform and build it is to tell; nobody's when it is as it should be.
    of: Vec<PlayerId>,
}

impl TelemetryQueue {
    /// Starts the publisher; at drain it publishes what still waits, then ends.
    pub fn start(store: Store, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tasks.spawn("telemetry-publisher", publish(store, receiver, tasks.drain()));
        Self(sender)
    }

    /// Leaves an event; never waits.
    pub fn offer(&self, event: TelemetryEvent) {
        self.leave(Left { event, of: Vec::new() });
    }

    /// Leaves an event that tells the platform and build that these players have in common; what they are is looked up on its way. Never
    /// waits.
    pub fn offer_of(&self, event: TelemetryEvent, players: Vec<PlayerId>) {
        self.leave(Left { event, of: players });
    }

    fn leave(&self, left: Left) {
        if self.0.try_send(left).is_err() {
            events::telemetry_dropped(1, None);
        }
    }
}

async fn publish(store: Store, mut receiver: mpsc::Receiver<Left>, drain: tokio_util::sync::CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            received = receiver.recv_many(&mut batch, BATCH) => if received == 0 { return },
            () = drain.cancelled() => {
                receiver.close();
                if receiver.recv_many(&mut batch, BATCH).await == 0 { return }
            }
        }
        let mut events = placed(&store, &mut batch).await;
        publish_all(&store, &mut events).await;
    }
}

/// The events that were left, with the platforms and builds of their players.
async fn placed(store: &Store, left: &mut Vec<Left>) -> Vec<TelemetryEvent> {
    let players: Vec<PlayerId> = left.iter().flat_map(|left| left.of.iter().copied()).collect();
    let known = clients_of(store, &players).await;
    let place = |Left { event, of }: Left| {
        if of.is_empty() {
            return event;
        }
        let GameClient { platform, build } = GameClient::common(of.iter().filter_map(|player| known.get(player)));
        TelemetryEvent { platform, build, ..event }
    };
    left.drain(..).map(place).collect()
}

/// What players play on. Nothing when PostgreSQL does not answer: an event that does not tell is better than none.
pub(crate) async fn clients_of(store: &Store, players: &[PlayerId]) -> HashMap<PlayerId, GameClient> {
    store.clients.of(players).await.unwrap_or_else(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "what players play on is not known; events do not tell their platform and build"
        );
        HashMap::new()
    })
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
