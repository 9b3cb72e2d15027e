//! Questions to whoever leads a shard: request and reply over core NATS, subject `matchmaker.<queue>.<group>.ask`. What the
//! leader has in memory is nowhere else.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::{HeaderMap, RequestErrorKind, Subject, Subscriber};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use muster_core::id::TicketId;
use muster_core::matchmaking::{Explanation, Histogram};
use serde::{Deserialize, Serialize};

use crate::nats::Nats;
use crate::{Result, Shard, StoreError, codec, trace};

/// How long an answer may take: a leader is asked between two ticks.
const WITHIN: Duration = Duration::from_secs(3);

/// What a shard's leader can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
pub enum Question {
    /// Why has this ticket not matched?
    Explain(TicketId),
    /// How does the shard look?
    Look,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
pub enum Answer {
    /// Why; None when the ticket does not wait there.
    Explanation(Option<Explanation>),
    /// How.
    Look(ShardLook),
}

/// How a shard looks to its leader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardLook {
    /// Tickets that wait.
    pub tickets: u64,
    /// Their players.
    pub players: u64,
    /// Of the tickets, those that are proposed to each other and not claimed yet.
    pub held_tickets: u64,
    /// How long the oldest has waited, in milliseconds; None when none waits.
    pub oldest_ms: Option<u64>,
    /// How they spread over ratings and waits.
    pub histogram: Histogram,
    /// Since when this leader leads.
    #[serde(with = "muster_core::time::millis")]
    pub leader_since: DateTime<Utc>,
    /// The version of the queue it matches by.
    pub queue_version: u32,
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody leads this shard at the moment, or there is no such shard.
    #[error("nobody leads this shard at the moment")]
    NoLeader,
    /// Somebody leads it, but gave no answer within 3 s.
    #[error("the shard's leader did not answer in time")]
    TimedOut,
    /// It could not be asked, or its answer not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handle on the questions.
#[derive(Clone)]
pub struct MatchmakerCalls {
    nats: Nats,
}

impl MatchmakerCalls {
    pub(crate) fn new(nats: Nats) -> Self {
        Self { nats }
    }

    /// Asks the leader of a shard.
    pub async fn ask(&self, shard: &Shard, question: &Question) -> std::result::Result<Answer, AskError> {
        match self.nats.request(self.subject(shard)?, codec::to_message(question), WITHIN).await {
            Ok(answer) => Ok(codec::from_message("the answer of a shard's leader", &answer.payload)?),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => AskError::NoLeader,
                RequestErrorKind::TimedOut => AskError::TimedOut,
                _ => AskError::Store(StoreError::Nats { what: "asking a shard's leader", source: error.into() }),
            }),
        }
    }

    /// Takes the questions to a shard, from the moment this returns until the stream is dropped.
    pub async fn serve(&self, shard: &Shard) -> Result<QuestionStream> {
        let subscriber = self.nats.subscribe("serving a shard", self.subject(shard)?).await?;
        Ok(QuestionStream { nats: self.nats.clone(), subscriber })
    }

    /// Names of queues and groups are tokens of a subject; what is none would ask somebody else.
    fn subject(&self, shard: &Shard) -> Result<String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_token = |name: &str| !name.is_empty() && name.bytes().all(allowed);
        if !is_token(&shard.queue) || !is_token(&shard.group) {
            return Err(StoreError::Settings(format!("`{shard}` cannot name a shard")));
        }
        Ok(self.nats.subject(format_args!("matchmaker.{}.{}.ask", shard.queue, shard.group)))
    }
}

/// Questions to this leader. What cannot be read is logged and skipped; who asked runs into the timeout.
pub struct QuestionStream {
    nats: Nats,
    subscriber: Subscriber,
}

impl Stream for QuestionStream {
    type Item = (Question, Responder);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<(Question, Responder)>> {
        loop {
            let Poll::Ready(message) = self.subscriber.poll_next_unpin(context) else { return Poll::Pending };
            let Some(message) = message else { return Poll::Ready(None) };
            match codec::from_message("a question to a shard's leader", &message.payload) {
                Ok(question) => {
                    let (headers, reply_to, nats) = (message.headers, message.reply, self.nats.clone());
                    return Poll::Ready(Some((question, Responder { headers, reply_to, nats })));
                }
                Err(error) => tracing::warn!(subject = %message.subject, %error, "skipping a question"),
            }
        }
    }
}

/// Who waits for an answer.
pub struct Responder {
    headers: Option<HeaderMap>,
    reply_to: Option<Subject>,
    nats: Nats,
}

impl Responder {
    /// Makes `span` a child of the asker's span. Do so before the span is entered.
    pub fn adopt_trace(&self, span: &tracing::Span) {
        trace::adopt(span, self.headers.as_ref());
    }

    /// Answers.
    pub async fn reply(self, answer: &Answer) -> Result<()> {
        match self.reply_to {
            Some(asker) => {
                self.nats.publish("answering a question", asker.to_string(), codec::to_message(answer)).await
            }
            None => Ok(()),
        }
    }
}
