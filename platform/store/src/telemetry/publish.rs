//! In at the door: onto the stream.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use futures::StreamExt;
use futures::stream::iter;

use super::message::{self, Packed};
use super::{Telemetry, TelemetryEvent};
use crate::{StoreError, trace};

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The stream is full: the writers are behind. Say so to whoever sent it, and take it later.
    #[error("too many events wait to be written; try again later")]
    Backpressure,
    /// It may or may not have been taken. Sending it again is harmless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An event was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// JetStream has it now.
    New,
    /// JetStream has had it for up to two minutes: the same events were published together before.
    Again,
}

/// How many messages of one call may wait for JetStream's answer at once: 4 MiB.
const AT_ONCE: usize = 16;

impl Telemetry {
    /// Takes an event. Ok when JetStream has it on disk, and not before.
    pub async fn publish(&self, event: &TelemetryEvent) -> Result<(), PublishError> {
        self.publish_all(std::slice::from_ref(event)).await.into_iter().collect()
    }

    /// Takes many events at once, in as few messages as they fit into; a verdict for each event, in order. What is said of a
    /// message holds for all its events.
    pub async fn publish_all(&self, events: &[TelemetryEvent]) -> Vec<Result<(), PublishError>> {
        self.publish_told(events).await.into_iter().map(|published| published.map(drop)).collect()
    }

    /// The same, and for those that were taken, whether they had been taken lately.
    pub async fn publish_told(&self, events: &[TelemetryEvent]) -> Vec<Result<Published, PublishError>> {
        let packed = message::pack(events);
        // Each future waits for its own answer while the others send: nobody holds a place in flight without giving it back.
        // A list of futures rather than a mapped stream: its type names no lifetime, so tasks that publish can be spawned.
        let sends: Vec<_> = packed.iter().map(|packed| self.send(packed)).collect();
        let sent: Vec<_> = iter(sends).buffered(AT_ONCE).collect().await;
        let mut verdicts: Vec<_> = events.iter().map(|_| Ok(Published::New)).collect();
        for (packed, sent) in packed.iter().zip(sent) {
            for place in &packed.places {
                verdicts[*place] = sent.as_ref().copied().map_err(Refusal::verdict);
            }
        }
        verdicts
    }

    async fn send(&self, packed: &Packed) -> Result<Published, Refusal> {
        let message = PublishMessage::build()
            .headers(trace::headers())
            // JetStream drops what it has seen in the last two minutes; the database drops it for good.
            .message_id(packed.id.as_str())
            .payload(packed.payload.clone());
        let subject = message::subject(packed.source, packed.places.len());
        let subject = self.nats.subject(format_args!("telemetry.{subject}"));
        match self.nats.jetstream.send_publish(subject, message).await {
            Ok(sent) => {
                let taken = sent.await.map_err(Refusal)?;
                Ok(if taken.duplicate { Published::Again } else { Published::New })
            }
            Err(error) => Err(Refusal(error)),
        }
    }
}

/// Why a message was not taken.
struct Refusal(jetstream::context::PublishError);

impl Refusal {
    /// What that is for each of its events.
    fn verdict(&self) -> PublishError {
        let Self(error) = self;
        if is_full(error) {
            PublishError::Backpressure
        } else {
            StoreError::Nats { what: "publishing telemetry", source: error.to_string().into() }.into()
        }
    }
}

fn is_full(error: &jetstream::context::PublishError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<jetstream::Error>());
    let refused = source.is_some_and(|source| {
        [ErrorCode::STREAM_STORE_FAILED, ErrorCode::STORAGE_RESOURCES_EXCEEDED, ErrorCode::INSUFFICIENT_RESOURCES]
            .contains(&source.error_code())
    });
    refused || error.kind() == PublishErrorKind::MaxAckPending
}
