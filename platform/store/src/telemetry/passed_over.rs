//! What stays in the stream though the writers' place is past it.
//!
//! A NATS server that is killed has not synced its last steps: messages that were acknowledged, and removed, are back when it
//! starts again, and its consumer may begin behind ones that it has never given out. A work queue gives out nothing that lies
//! before its consumer's place, so they would stay for good, and with them events that may not be stored. They are put at the end of the
//! stream again: storing is idempotent, so those that are stored already change nothing.
//!
//! Deleting the consumer would deliver them again too, for a new one begins at the front; but with them everything that any writer
//! has in hand, and each of them would fail first.

use async_nats::jetstream::consumer;
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{RawMessageErrorKind, State, Stream};

use super::Telemetry;
use super::consume::WRITERS;
use super::dead::remove;
use crate::error::NatsResult;
use crate::{Result, streams};

/// Messages that the writers' place in the stream is past. They are acknowledged ones on their way out, unless the same are there
/// when it is asked again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// The oldest message, by its sequence.
    pub first: u64,
    /// The last that it may be: all messages from `first` to here are passed over.
    pub through: u64,
}

impl Telemetry {
    /// What the writers' place is past at this moment and is in the stream all the same; None when that is nothing, or there is
    /// no such place.
    pub async fn passed_over(&self) -> Result<Option<PassedOver>> {
        let what = "looking at the telemetry writers' place";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        // The place first: what is taken out of the stream meanwhile is not found behind it any more.
        let place = match stream.consumer_info(WRITERS).await {
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => return Ok(None),
            place => place.doing(what)?,
        };
        let state = stream.get_info().await.doing(what)?.state;
        Ok(behind(&place, &state))
    }

    /// Puts these messages at the end of the stream, and says how many they were. A message leaves its old place only when the
    /// stream has it in the new one, so nothing is lost wherever this is broken off; it is safe to do twice, at once as well.
    pub async fn bring_again(&self, passed: PassedOver) -> Result<u64> {
        let what = "bringing telemetry again that was passed over";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        let (mut next, mut brought) = (passed.first, 0);
        while next <= passed.through {
            let found = stream.get_first_raw_message_by_subject(self.nats.subject("telemetry.>"), next).await;
            let message = match found {
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => break,
                found => found.doing(what)?,
            };
            if message.sequence > passed.through {
                break;
            }
            next = message.sequence + 1;
            self.put_last(&stream, message, what).await?;
            brought += 1;
        }
        Ok(brought)
    }

    async fn put_last(&self, stream: &Stream<()>, message: StreamMessage, what: &'static str) -> Result<()> {
        let copy = PublishMessage::build()
            .headers(message.headers)
            // In the place of its first id, by which JetStream would take the copy for what it has already. Two writers that do this at
            // once put it there once.
            .message_id(format!("again-{}", message.sequence))
            .payload(message.payload);
        let sent = self.nats.jetstream.send_publish(message.subject, copy).await.doing(what)?;
        sent.await.doing(what)?;
        remove(stream, message.sequence, what).await.map(drop)
    }
}

/// All before the first that is not acknowledged is passed over; everything is, when the place has nothing to give out and waits for
/// nobody.
fn behind(place: &consumer::Info, state: &State) -> Option<PassedOver> {
    let at_rest = place.num_pending == 0 && place.num_ack_pending == 0;
    let through = if at_rest { state.last_sequence } else { place.ack_floor.stream_sequence };
    (state.messages > 0 && state.first_sequence <= through)
        .then_some(PassedOver { first: state.first_sequence, through })
}
