//! Calls to the process that runs a match: request and reply over core NATS, or without leaving the process when that is this one.
//!
//! | subject | who serves it |
//! | --- | --- |
//! | `match.<id>.cmd` | the referee that owns the match; nobody, when it died |
//! | `referee.adopt` | every referee that is willing, as the queue group `referees`: one of them gets each call |
//! | `referee.adopt.last` | the others, in the same way: asked when none is willing |

mod adoption;
mod call;
mod near;

use std::sync::Arc;
use std::time::Duration;

use async_nats::RequestErrorKind;
use muster_core::id::MatchId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time;

use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, StoreError, codec};

use near::Near;

pub use adoption::{AdoptReply, AdoptionStream, IncomingAdoption};
pub use call::{CallStream, IncomingCall, MatchCall, MatchReply};

/// Why a call was not answered.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody serves this: the owner died (have the match adopted), or no referee lives at all.
    #[error("nobody answers for this match")]
    NoOwner,
    /// Somebody serves it, but gave no answer in time. The command may have been obeyed: repeat it with the same id.
    #[error("the match's owner did not answer in time")]
    TimedOut,
    /// It could not be asked, or its answer not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handle on the calls.
#[derive(Clone)]
pub struct MatchCalls {
    nats: Nats,
    near: Arc<Near>,
}

impl MatchCalls {
    pub(crate) fn new(nats: Nats) -> Self {
        Self { nats, near: Arc::default() }
    }

    /// Calls the owner of a match.
    pub async fn call(
        &self,
        match_id: MatchId,
        call: &MatchCall,
        timeout: Duration,
    ) -> std::result::Result<MatchReply, CallError> {
        if self.near.serves(match_id) {
            let (near, answered) = IncomingCall::near(call.clone());
            if self.near.offer(match_id, near).is_ok() {
                return match time::timeout(timeout, answered).await {
                    Ok(Ok(reply)) => Ok(reply),
                    // An owner that lets go drops what it has not answered.
                    Ok(Err(_)) | Err(_) => Err(CallError::TimedOut),
                };
            }
        }
        self.ask("the answer of a match's owner", self.call_subject(match_id), call, timeout).await
    }

    /// Takes the calls for a match, from the moment this returns until the stream is dropped.
    pub async fn serve(&self, match_id: MatchId) -> Result<CallStream> {
        let subscriber = self.nats.subscribe("serving a match", self.call_subject(match_id)).await?;
        Ok(CallStream::new(self.nats.clone(), subscriber, self.near.serve(match_id)))
    }

    /// The same for a match that nobody knows of yet, without a round trip: whoever is told of it afterwards, through this store,
    /// finds it served, because the server reads what a connection sends in order.
    pub async fn serve_new(&self, match_id: MatchId) -> Result<CallStream> {
        let subscriber = self.nats.client.subscribe(self.call_subject(match_id)).await.doing("serving a match")?;
        Ok(CallStream::new(self.nats.clone(), subscriber, self.near.serve(match_id)))
    }

    /// Asks any one referee to take over a match, and one that is not willing only where none is. `NoOwner` means that no referee lives.
    pub async fn adopt(&self, match_id: MatchId, timeout: Duration) -> std::result::Result<AdoptReply, CallError> {
        let call = adoption::Adopt { match_id };
        let ask =
            async |willing| self.ask("the answer of a referee", self.adopt_subject(willing), &call, timeout).await;
        match ask(true).await {
            Err(CallError::NoOwner) => ask(false).await,
            answered => answered,
        }
    }

    /// Takes this referee's share of the matches to adopt, from the moment this returns until the stream is dropped. One that is not
    /// willing gets what no other takes.
    pub async fn serve_adoptions(&self, willing: bool) -> Result<AdoptionStream> {
        let subject = self.adopt_subject(willing);
        let subscriber = self.nats.queue_subscribe("serving adoptions", subject, "referees").await?;
        Ok(AdoptionStream::new(self.nats.clone(), subscriber))
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        what: &'static str,
        subject: String,
        question: &Q,
        timeout: Duration,
    ) -> std::result::Result<A, CallError> {
        match self.nats.request(subject, codec::to_message(question), timeout).await {
            Ok(answer) => Ok(codec::from_message(what, &answer.payload)?),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => CallError::NoOwner,
                RequestErrorKind::TimedOut => CallError::TimedOut,
                _ => CallError::Store(StoreError::Nats { what: "calling a match's owner", source: error.into() }),
            }),
        }
    }

    fn call_subject(&self, match_id: MatchId) -> String {
        self.nats.subject(format_args!("match.{match_id}.cmd"))
    }

    fn adopt_subject(&self, willing: bool) -> String {
        self.nats.subject(if willing { "referee.adopt" } else { "referee.adopt.last" })
    }
}
