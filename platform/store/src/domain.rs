//! What happened that other processes may want to know at once: stream `DOMAIN`, subjects `event.<noun>.<verb>`.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::Subscriber;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, StoreError, codec, trace};

/// Something that happened. Holds nothing personal: ids and facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainEvent {
    /// What it happened to, e.g. `match`: lower-case letters and `_`.
    pub noun: String,
    /// What happened, e.g. `ended`: lower-case letters and `_`.
    pub verb: String,
    /// When.
    #[serde(with = "muster_core::time::millis")]
    pub at: DateTime<Utc>,
    /// The rest.
    pub data: Value,
}

/// Handle on the domain events.
#[derive(Clone)]
pub struct Domain {
    nats: Nats,
}

impl Domain {
    pub(crate) fn new(nats: Nats) -> Self {
        Self { nats }
    }

    /// Tells everybody; done when the stream has it.
    pub async fn publish(&self, event: &DomainEvent) -> Result<()> {
        let DomainEvent { noun, verb, .. } = event;
        if !is_word(noun) || !is_word(verb) {
            return Err(StoreError::Settings(format!(
                "`{noun}.{verb}` cannot name a domain event: use lower-case letters and `_`"
            )));
        }
        let subject = self.nats.subject(format_args!("event.{noun}.{verb}"));
        let sent = self.nats.jetstream.publish_with_headers(subject, trace::headers(), codec::to_message(event)).await;
        sent.doing("publishing a domain event")?.await.doing("publishing a domain event")?;
        Ok(())
    }

    /// What happens from now on, to one noun or to all.
    pub async fn subscribe(&self, noun: Option<&str>) -> Result<DomainStream> {
        let subject = self.nats.subject(format_args!("event.{}.*", noun.unwrap_or("*")));
        Ok(DomainStream { subscriber: self.nats.subscribe("subscribing to domain events", subject).await? })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Domain events as they happen. What cannot be read is logged and skipped.
pub struct DomainStream {
    subscriber: Subscriber,
}

impl Stream for DomainStream {
    type Item = DomainEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<DomainEvent>> {
        loop {
            let Poll::Ready(message) = self.subscriber.poll_next_unpin(context) else { return Poll::Pending };
            let Some(message) = message else { return Poll::Ready(None) };
            match codec::from_message("a domain event", &message.payload) {
                Ok(event) => return Poll::Ready(Some(event)),
                Err(error) => tracing::warn!(subject = %message.subject, %error, "skipping a domain event"),
            }
        }
    }
}
