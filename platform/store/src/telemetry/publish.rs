//! In at the door: onto the stream.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use futures::StreamExt;
use futures::stream::iter;

use super::{Telemetry, TelemetryEvent};
use crate::{StoreError, codec, trace};

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

/// How many events of one call may wait for JetStream's answer at once.
const AT_ONCE: usize = 256;

impl Telemetry {
    /// Takes an event. Ok when JetStream has it on disk, and not before.
    pub async fn publish(&self, event: &TelemetryEvent) -> Result<(), PublishError> {
        let what = "publishing telemetry";
        let message = PublishMessage::build()
            .headers(trace::headers())
            // JetStream drops what it has seen in the last two minutes; the database drops it for good.
            .message_id(event.event_id.to_string())
            .payload(codec::to_message(event));
        let sent = self.nats.jetstream.send_publish(self.subject(event), message).await;
        let sent = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        sent.map(drop).map_err(|error| {
            if is_full(&error) {
                PublishError::Backpressure
            } else {
                StoreError::Nats { what, source: error.into() }.into()
            }
        })
    }

    /// Takes many events at once; a verdict for each, in order.
    pub async fn publish_all(&self, events: &[TelemetryEvent]) -> Vec<Result<(), PublishError>> {
        // Each future waits for its own answer while the others send: nobody holds a place in flight without giving it back.
        // A list of futures rather than a mapped stream: its type names no lifetime, so tasks that publish can be spawned.
        let sends: Vec<_> = events.iter().map(|event| self.publish(event)).collect();
        iter(sends).buffered(AT_ONCE).collect().await
    }

    fn subject(&self, event: &TelemetryEvent) -> String {
        let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' };
        let kind: String = event.kind.chars().map(plain).collect();
        self.nats.subject(format_args!("telemetry.{}.{kind}", event.source))
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
