//! From the stream, message by message, into batches of events.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::{Telemetry, TelemetryBatch, message};
use crate::error::NatsResult;
use crate::{StoreError, streams};

/// How long a writer may take for a batch before another one gets it.
const ACK_WAIT: Duration = Duration::from_secs(20);

/// What the stream calls the writers' place.
pub(super) const WRITERS: &str = "writer";

/// How many messages all writers together may be at work on.
const AT_WORK: i64 = 200_000;

/// The most messages of one request to the stream: 16 MiB of those that the platform makes.
const MAX_FETCH: usize = 64;

/// The writers' place in the stream; all writers share it.
pub struct TelemetryConsumer {
    consumer: Consumer<pull::Config>,
    /// What came with the last batch and had no room in it, in the stream's order.
    held: VecDeque<Taken>,
    /// How many events a message has held lately, on average; 1 or more.
    events_a_message: usize,
}

/// A message, taken apart.
pub(super) struct Taken {
    pub message: Message,
    /// Its events, none of them looked at yet; or why it has none.
    pub lines: Result<Vec<Bytes>, String>,
}

impl Taken {
    fn new(message: Message) -> Self {
        let lines = message::unpack(&message.payload);
        Self { message, lines }
    }

    /// How many events it is; one, when it cannot be read.
    pub fn len(&self) -> usize {
        self.lines.as_ref().map_or(1, Vec::len)
    }
}

impl Telemetry {
    /// The writers' place in the stream.
    pub async fn consumer(&self) -> Result<TelemetryConsumer, StoreError> {
        let what = "making the telemetry writers' consumer";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        let config = pull::Config {
            durable_name: Some(WRITERS.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: AT_WORK,
            ..pull::Config::default()
        };
        Ok(TelemetryConsumer {
            consumer: stream.create_consumer(config).await.doing(what)?,
            held: VecDeque::new(),
            events_a_message: message::MAX_MESSAGE_EVENTS,
        })
    }

    /// How many events are taken and not yet stored. Exact: the subject of each message tells how many it holds.
    pub async fn pending(&self) -> Result<u64, StoreError> {
        let what = "counting what waits to be written";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::TELEMETRY)).await.doing(what)?;
        let subjects = stream.info_with_subjects(self.nats.subject("telemetry.>")).await.doing(what)?;
        let before = self.nats.subject("telemetry.").len();
        let count = |sum, (subject, messages): (String, usize)| async move {
            Ok(sum + messages as u64 * message::events_by_subject(subject.get(before..).unwrap_or_default()))
        };
        subjects.try_fold(0, count).await.doing(what)
    }
}

impl TelemetryConsumer {
    /// Up to `max` events, as soon as there are so many; after `wait` those that came, perhaps none. A message is never split:
    /// a batch has more than `max` when the first message alone has.
    pub async fn next_batch(&mut self, max: usize, wait: Duration) -> Result<TelemetryBatch, StoreError> {
        let deadline = Instant::now() + wait;
        let mut batch = TelemetryBatch::default();
        loop {
            while let Some(taken) = self.held.pop_front() {
                if !batch.is_empty() && batch.len() + taken.len() > max {
                    self.held.push_front(taken);
                    return Ok(batch);
                }
                batch.add(taken);
            }
            let missing = max.saturating_sub(batch.len());
            let left = deadline.saturating_duration_since(Instant::now());
            if missing == 0 || left.is_zero() {
                return Ok(batch);
            }
            match self.fetch(missing.div_ceil(self.events_a_message).clamp(1, MAX_FETCH), left).await {
                Ok(()) => {}
                // What is here is stored first; should the failure last, the next call tells of it.
                Err(_) if !(batch.is_empty() && self.held.is_empty()) => return Ok(batch),
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives back what was fetched and is in no batch yet, so that another writer gets it now and not after 20 s.
    pub async fn release(self) -> Result<(), StoreError> {
        for taken in &self.held {
            taken.message.ack_with(AckKind::Nak(None)).await.doing("giving telemetry back")?;
        }
        Ok(())
    }

    /// Holds so many messages more, or as many as there are after `wait`.
    async fn fetch(&mut self, messages: usize, wait: Duration) -> Result<(), StoreError> {
        let what = "fetching telemetry";
        let (mut came, mut events) = (0, 0);
        // The server measures time in milliseconds at best; a wait of none would be for ever.
        let wait = wait.max(Duration::from_millis(1));
        let mut found = self.consumer.batch().max_messages(messages).expires(wait).messages().await.doing(what)?;
        while let Some(message) = found.next().await {
            let message = message.doing(what)?;
            let taken = Taken::new(message);
            came += 1;
            events += taken.len();
            self.held.push_back(taken);
        }
        if came > 0 {
            self.events_a_message = events.div_ceil(came).max(1);
        }
        Ok(())
    }
}
