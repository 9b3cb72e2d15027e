//! Matches that need a referee, handed to any one that lives.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::{HeaderMap, Subject, Subscriber};
use futures::{Stream, StreamExt};
use muster_core::id::MatchId;
use serde::{Deserialize, Serialize};

use crate::nats::Nats;
use crate::{Result, codec, trace};

#[derive(Serialize, Deserialize)]
pub(super) struct Adopt {
    pub match_id: MatchId,
}

/// What a referee says to a match that is offered to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AdoptReply {
    /// It owns the match now, or did already, or found it settled.
    Adopted,
    /// It does not.
    Refused {
        /// Why, for the log.
        reason: String,
    },
}

/// Matches offered to this referee. What cannot be read is logged and skipped.
pub struct AdoptionStream {
    nats: Nats,
    subscriber: Subscriber,
}

impl AdoptionStream {
    pub(super) fn new(nats: Nats, subscriber: Subscriber) -> Self {
        Self { nats, subscriber }
    }
}

impl Stream for AdoptionStream {
    type Item = IncomingAdoption;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<IncomingAdoption>> {
        loop {
            let Poll::Ready(message) = self.subscriber.poll_next_unpin(context) else { return Poll::Pending };
            let Some(message) = message else { return Poll::Ready(None) };
            match codec::from_message::<Adopt>("an adoption", &message.payload) {
                Ok(Adopt { match_id }) => {
                    let (headers, reply_to, nats) = (message.headers, message.reply, self.nats.clone());
                    return Poll::Ready(Some(IncomingAdoption { match_id, headers, reply_to, nats }));
                }
                Err(error) => tracing::warn!(%error, "skipping an adoption"),
            }
        }
    }
}

/// A match that waits for this referee's answer.
pub struct IncomingAdoption {
    /// Which match.
    pub match_id: MatchId,
    headers: Option<HeaderMap>,
    reply_to: Option<Subject>,
    nats: Nats,
}

impl IncomingAdoption {
    /// Makes `span` a child of the caller's span. Do so before the span is entered.
    pub fn adopt_trace(&self, span: &tracing::Span) {
        trace::adopt(span, self.headers.as_ref());
    }

    /// Answers.
    pub async fn reply(self, reply: AdoptReply) -> Result<()> {
        match self.reply_to {
            Some(caller) => {
                self.nats.publish("answering an adoption", caller.to_string(), codec::to_message(&reply)).await
            }
            None => Ok(()),
        }
    }
}
