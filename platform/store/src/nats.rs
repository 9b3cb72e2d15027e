//! The connection to NATS, with this platform's prefix on every name.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectOptions, Message, Request, Subscriber};
use bytes::Bytes;
use futures::StreamExt;

use crate::error::NatsResult;
use crate::{Result, StoreError, trace};

#[derive(Clone)]
pub(crate) struct Nats {
    pub client: Client,
    pub jetstream: jetstream::Context,
    prefix: Arc<str>,
}

/// How many publishes may wait for JetStream's answer at once; more wait their turn.
const PUBLISHES_IN_FLIGHT: usize = 8_192;

impl Nats {
    pub async fn connect(url: &str, prefix: &str) -> Result<Self> {
        let client = ConnectOptions::new()
            .name("muster")
            .request_timeout(Some(Duration::from_secs(5)))
            .connect(url)
            .await
            .doing("connecting")?;
        let jetstream = ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .max_ack_inflight(PUBLISHES_IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self { client, jetstream, prefix: prefix.into() })
    }

    pub fn subject(&self, rest: impl std::fmt::Display) -> String {
        format!("{}{rest}", self.prefix)
    }

    /// A stream's name: upper case, since streams and subjects are told apart by eye.
    pub fn stream(&self, name: &str) -> String {
        format!("{}{name}", self.prefix.to_uppercase())
    }

    pub fn bucket(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A message that nobody keeps, with the trace context.
    pub async fn publish(&self, what: &'static str, subject: String, payload: Bytes) -> Result<()> {
        let headers = trace::headers();
        if headers.is_empty() {
            self.client.publish(subject, payload).await.doing(what)
        } else {
            self.client.publish_with_headers(subject, headers, payload).await.doing(what)
        }
    }

    /// Subscribes, and returns when the server knows of it: a message that is sent afterwards is not missed.
    pub async fn subscribe(&self, what: &'static str, subject: String) -> Result<Subscriber> {
        let subscriber = self.client.subscribe(subject).await.doing(what)?;
        self.settled(what).await?;
        Ok(subscriber)
    }

    /// The same, as one of a group of which any one member gets a message.
    pub async fn queue_subscribe(&self, what: &'static str, subject: String, group: &str) -> Result<Subscriber> {
        let subscriber = self.client.queue_subscribe(subject, group.to_owned()).await.doing(what)?;
        self.settled(what).await?;
        Ok(subscriber)
    }

    pub async fn request(
        &self,
        subject: String,
        payload: Bytes,
        timeout: Duration,
    ) -> std::result::Result<Message, async_nats::RequestError> {
        let request = Request::new().headers(trace::headers()).payload(payload).timeout(Some(timeout));
        self.client.send_request(subject, request).await
    }

    /// What a stream holds on a subject right now, oldest first, `limit` at most.
    pub async fn read(
        &self,
        what: &'static str,
        stream: &str,
        subject: String,
        limit: usize,
    ) -> Result<Vec<jetstream::Message>> {
        self.read_by(what, stream, subject, DeliverPolicy::All, limit).await
    }

    /// The same, from a stream sequence on.
    pub async fn read_from(
        &self,
        what: &'static str,
        stream: &str,
        subject: String,
        start_sequence: u64,
    ) -> Result<Vec<jetstream::Message>> {
        let from = DeliverPolicy::ByStartSequence { start_sequence };
        self.read_by(what, stream, subject, from, usize::MAX).await
    }

    /// The same, `limit` at most.
    pub async fn read_page(
        &self,
        what: &'static str,
        stream: &str,
        subject: String,
        start_sequence: u64,
        limit: usize,
    ) -> Result<Vec<jetstream::Message>> {
        self.read_by(what, stream, subject, DeliverPolicy::ByStartSequence { start_sequence }, limit).await
    }

    async fn read_by(
        &self,
        what: &'static str,
        stream: &str,
        subject: String,
        deliver_policy: DeliverPolicy,
        limit: usize,
    ) -> Result<Vec<jetstream::Message>> {
        let stream = self.jetstream.get_stream_no_info(self.stream(stream)).await.doing(what)?;
        let consumer = stream
            .create_consumer(pull::Config {
                filter_subject: subject,
                deliver_policy,
                ack_policy: AckPolicy::None,
                memory_storage: true,
                inactive_threshold: Duration::from_secs(10),
                ..pull::Config::default()
            })
            .await
            .doing(what)?;
        let there = usize::try_from(consumer.cached_info().num_pending).unwrap_or(usize::MAX).min(limit);
        let mut found = Vec::with_capacity(there);
        if there > 0 {
            let mut messages =
                consumer.batch().max_messages(there).expires(Duration::from_secs(5)).messages().await.doing(what)?;
            while let Some(message) = messages.next().await {
                found.push(message.doing(what)?);
            }
        }
        // It would go by itself after some seconds; a failure here changes nothing.
        let _ = stream.delete_consumer(&consumer.cached_info().name).await;
        if found.len() < there { Err(StoreError::TimedOut("NATS")) } else { Ok(found) }
    }

    /// The server reads a connection's commands in order, so when a request made now is answered (or found without
    /// anybody to answer), everything sent before it has been seen.
    async fn settled(&self, what: &'static str) -> Result<()> {
        use async_nats::RequestErrorKind::NoResponders;
        match self.client.request(self.subject("settled"), Bytes::new()).await {
            Err(error) if error.kind() == NoResponders => Ok(()),
            other => other.map(drop).doing(what),
        }
    }
}
