//! From the stream, in batches, to the database.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures::StreamExt;

use super::{Telemetry, TelemetryEvent, storable};
use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, codec, streams};

/// How long a writer may take for a batch before another one gets it.
const ACK_WAIT: Duration = Duration::from_secs(60);

/// How many events all writers together may be at work on.
const AT_WORK: i64 = 200_000;

/// How soon a batch comes again that could not be written.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The writers' place in the stream; all writers share it.
pub struct TelemetryConsumer {
    nats: Nats,
    consumer: Consumer<pull::Config>,
}

/// Events that wait to be stored. Dropped without a word, they come again after a minute.
pub struct TelemetryBatch {
    /// The events, in the stream's order.
    pub events: Vec<TelemetryEvent>,
    /// How many more there were that could not be read or stored, and are in the DLQ now.
    pub dead: usize,
    /// Their messages, in the same order.
    messages: Vec<Message>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Events that are in the database now and were not before.
    pub new: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events that are in the DLQ now, those that `next_batch` put there among them.
    pub dead: u64,
}

impl Telemetry {
    /// The writers' place in the stream.
    pub async fn consumer(&self) -> Result<TelemetryConsumer> {
        let what = "making the telemetry writers' consumer";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        let config = pull::Config {
            durable_name: Some("writer".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: AT_WORK,
            ..pull::Config::default()
        };
        Ok(TelemetryConsumer { nats: self.nats.clone(), consumer: stream.create_consumer(config).await.doing(what)? })
    }

    /// How many events are taken and not yet stored.
    pub async fn pending(&self) -> Result<u64> {
        let what = "counting what waits to be written";
        let stream = self.nats.jetstream.get_stream(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        Ok(stream.cached_info().state.messages)
    }

    /// Stores a batch and acknowledges it. Should the database refuse the values of single events, those go to the DLQ and
    /// the others are stored. On an error the whole batch comes again.
    pub async fn store(&self, batch: TelemetryBatch) -> Result<Stored> {
        match self.store_parts(&batch).await {
            Ok(stored) => {
                batch.ack().await?;
                Ok(stored)
            }
            Err(error) => {
                batch.retry_later(RETRY_DELAY).await?;
                Err(error)
            }
        }
    }

    /// The batch at once; where that is refused, each half of it, down to the events that are at fault.
    async fn store_parts(&self, batch: &TelemetryBatch) -> Result<Stored> {
        let mut stored = Stored { dead: batch.dead as u64, ..Stored::default() };
        let whole = 0..batch.events.len();
        let mut parts = vec![whole];
        while let Some(part) = parts.pop() {
            match self.write_batch(&batch.events[part.clone()]).await {
                Ok(written) => {
                    stored.new += written.new;
                    stored.duplicates += written.duplicates;
                }
                Err(error) if error.is_bad_data() && part.len() == 1 => {
                    super::dead::bury(&self.nats, &batch.messages[part.start], &error.to_string()).await?;
                    stored.dead += 1;
                }
                Err(error) if error.is_bad_data() => {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(stored)
    }
}

impl TelemetryConsumer {
    /// Up to `max` events, as soon as there are so many; after `wait` those that came, perhaps none. What cannot be read is
    /// put into the DLQ on the way.
    pub async fn next_batch(&self, max: usize, wait: Duration) -> Result<TelemetryBatch> {
        let what = "fetching telemetry";
        let mut found = self.consumer.batch().max_messages(max).expires(wait).messages().await.doing(what)?;
        let mut batch = TelemetryBatch { events: Vec::with_capacity(max), dead: 0, messages: Vec::with_capacity(max) };
        while let Some(message) = found.next().await {
            let message = message.doing(what)?;
            match read(&message) {
                Ok(event) => {
                    batch.events.push(event);
                    batch.messages.push(message);
                }
                Err(reason) => {
                    super::dead::bury(&self.nats, &message, &reason).await?;
                    message.ack().await.doing(what)?;
                    batch.dead += 1;
                }
            }
        }
        Ok(batch)
    }
}

fn read(message: &Message) -> std::result::Result<TelemetryEvent, String> {
    let event = codec::from_message("a telemetry event", &message.payload).map_err(|error| error.to_string())?;
    storable::check(&event)?;
    Ok(event)
}

impl TelemetryBatch {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// They are stored, and never come again. Should the word get lost, they do, and turn out to be duplicates.
    pub async fn ack(self) -> Result<()> {
        for message in &self.messages {
            message.ack().await.doing("acknowledging telemetry")?;
        }
        Ok(())
    }

    /// They are not stored: they shall come again, to any writer.
    pub async fn retry_later(self, delay: Duration) -> Result<()> {
        for message in &self.messages {
            message.ack_with(AckKind::Nak(Some(delay))).await.doing("giving telemetry back")?;
        }
        Ok(())
    }
}
