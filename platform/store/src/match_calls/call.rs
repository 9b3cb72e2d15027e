//! What is asked of a match's owner.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::{HeaderMap, Subject, Subscriber};
use futures::{Stream, StreamExt};
use muster_core::game::Command;
use muster_core::id::PlayerId;
use muster_core::wire::MatchView;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::near::Desk;
use crate::nats::Nats;
use crate::{Result, codec, trace};

/// What a match's owner can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MatchCall {
    /// A player's move.
    Command {
        /// Whose.
        player_id: PlayerId,
        /// The client's id of it: the same id again is the same move, made once.
        command_id: String,
        /// The move.
        command: Command,
    },
    /// A player's last socket closed, or the first one opened.
    Connection {
        /// Whose.
        player_id: PlayerId,
        /// Whether there is one now.
        connected: bool,
    },
    /// How does the match stand?
    View,
}

/// What a match's owner answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MatchReply {
    /// It is done, and in the log.
    Done {
        /// The number of the last event.
        version: u64,
    },
    /// It is not, by the rules.
    Refused {
        /// Stable, for programs.
        code: String,
        /// For people.
        message: String,
    },
    /// How the match stands, as its players see it.
    View(MatchView),
}

/// Calls for one match. What cannot be read is logged and skipped; its caller runs into the timeout.
pub struct CallStream {
    nats: Nats,
    subscriber: Subscriber,
    desk: Desk,
}

impl CallStream {
    pub(super) fn new(nats: Nats, subscriber: Subscriber, desk: Desk) -> Self {
        Self { nats, subscriber, desk }
    }
}

impl Stream for CallStream {
    type Item = IncomingCall;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<IncomingCall>> {
        if let Poll::Ready(near) = self.desk.poll_next(context) {
            return Poll::Ready(Some(near));
        }
        loop {
            let Poll::Ready(message) = self.subscriber.poll_next_unpin(context) else { return Poll::Pending };
            let Some(message) = message else { return Poll::Ready(None) };
            match codec::from_message("a call to a match", &message.payload) {
                Ok(call) => {
                    let caller = Caller::Far { reply_to: message.reply, nats: self.nats.clone() };
                    return Poll::Ready(Some(IncomingCall { call, headers: message.headers, caller }));
                }
                Err(error) => tracing::warn!(subject = %message.subject, %error, "skipping a call to a match"),
            }
        }
    }
}

/// A call that waits for its answer.
pub struct IncomingCall {
    /// What is asked.
    pub call: MatchCall,
    headers: Option<HeaderMap>,
    caller: Caller,
}

/// Who waits for an answer.
enum Caller {
    /// A process on the other side of NATS.
    Far { reply_to: Option<Subject>, nats: Nats },
    /// This one.
    Near(oneshot::Sender<MatchReply>),
}

impl IncomingCall {
    /// A call from this process, and where its answer comes.
    pub(super) fn near(call: MatchCall) -> (Self, oneshot::Receiver<MatchReply>) {
        let (answer, answered) = oneshot::channel();
        (Self { call, headers: Some(trace::headers()), caller: Caller::Near(answer) }, answered)
    }

    /// Whether the caller traces this call: only then is a span worth its cost.
    pub fn is_traced(&self) -> bool {
        self.headers.as_ref().is_some_and(|headers| !headers.is_empty())
    }

    /// Makes `span` a child of the caller's span. Do so before the span is entered.
    pub fn adopt_trace(&self, span: &tracing::Span) {
        trace::adopt(span, self.headers.as_ref());
    }

    /// Answers.
    pub async fn reply(self, reply: &MatchReply) -> Result<()> {
        match self.caller {
            Caller::Far { reply_to: Some(caller), nats } => {
                nats.publish("answering a call", caller.to_string(), codec::to_message(reply)).await
            }
            Caller::Far { reply_to: None, .. } => Ok(()),
            Caller::Near(answer) => {
                // Whoever asked may have given up.
                let _ = answer.send(reply.clone());
                Ok(())
            }
        }
    }
}
