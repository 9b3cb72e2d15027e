//! The log of each running match: subject `match.<shard>.<id>` of the stream `MATCH_<shard>`.
//!
//! Every append names the stream sequence of the log's last entry as the writer knows it, and NATS refuses it when that is not
//! the last (`Nats-Expected-Last-Subject-Sequence`). That is the fence: of two processes that both think they run a match,
//! one finds out before anybody was told anything.
//!
//! Every now and then an entry carries a snapshot of the match, and those after it say where that entry is: who takes the match
//! over asks for the last entry and reads from there ([`MatchLog::read_recent`]).

mod census;
mod entry;
mod recent;
mod shard;
mod snapshot;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::context::{GetStreamError, PublishErrorKind};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, ErrorCode, message::PublishMessage};
use futures::StreamExt;
use muster_core::id::MatchId;

use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, StoreError, codec, trace};

use shard::Shard;

pub use entry::{MatchLogEntry, number_events};
pub(crate) use shard::streams;
pub use snapshot::{LastSnapshot, MatchBeginning, MatchSnapshot};

/// Why an entry was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else has written to this log: read it again, or let go of the match.
    #[error("somebody else has written to this match's log")]
    Fenced,
    /// It may or may not have been written: read the log before going on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handle on the logs.
#[derive(Clone)]
pub struct MatchLog {
    nats: Nats,
}

impl MatchLog {
    pub(crate) fn new(nats: Nats) -> Self {
        Self { nats }
    }

    /// Appends an entry and returns its stream sequence, which is the next `expected_last_seq`. 0 expects an empty log.
    pub async fn append(
        &self,
        match_id: MatchId,
        expected_last_seq: u64,
        entry: &MatchLogEntry,
    ) -> std::result::Result<u64, AppendError> {
        let message = PublishMessage::build()
            .headers(trace::headers())
            .expected_last_subject_sequence(expected_last_seq)
            .payload(codec::to_message(entry));
        let what = "appending to a match's log";
        let sent = self.nats.jetstream.send_publish(self.subject(match_id), message).await.doing(what)?;
        match sent.await {
            Ok(ack) => Ok(ack.sequence),
            Err(error) if is_fence(&error) => Err(AppendError::Fenced),
            Err(error) => Err(AppendError::Store(StoreError::Nats { what, source: error.into() })),
        }
    }

    /// The whole log with the stream sequence of each entry; empty when there is none. The last sequence is the next
    /// `expected_last_seq`.
    pub async fn read(&self, match_id: MatchId) -> Result<Vec<(u64, MatchLogEntry)>> {
        let stream = Shard::of(match_id).stream();
        let messages = self.nats.read("reading a match's log", &stream, self.subject(match_id), usize::MAX).await?;
        messages.iter().map(entry).collect()
    }

    /// Forgets a log, when the match is in the database.
    pub async fn purge(&self, match_id: MatchId) -> Result<()> {
        let what = "purging a match's log";
        self.stream(match_id).await.doing(what)?.purge().filter(self.subject(match_id)).await.doing(what)?;
        Ok(())
    }

    /// The log from its beginning, and what is appended from then on.
    pub(crate) async fn tail(&self, match_id: MatchId) -> Result<LogTail> {
        let what = "following a match's log";
        let stream = self.stream(match_id).await.doing(what)?;
        let consumer = stream
            .create_consumer(pull::OrderedConfig {
                filter_subject: self.subject(match_id),
                ..pull::OrderedConfig::default()
            })
            .await
            .doing(what)?;
        Ok(LogTail { messages: consumer.messages().await.doing(what)? })
    }

    async fn stream(&self, match_id: MatchId) -> std::result::Result<Stream<()>, GetStreamError> {
        self.nats.jetstream.get_stream_no_info(self.nats.stream(&Shard::of(match_id).stream())).await
    }

    fn subject(&self, match_id: MatchId) -> String {
        self.nats.subject(Shard::of(match_id).subject(match_id))
    }
}

/// A log as it grows.
pub(crate) struct LogTail {
    messages: pull::Ordered,
}

impl LogTail {
    /// Waits for the next entry. None: the connection is closed for good.
    pub async fn next(&mut self) -> Result<Option<MatchLogEntry>> {
        match self.messages.next().await {
            None => Ok(None),
            Some(message) => Ok(Some(entry(&message.doing("following a match's log")?)?.1)),
        }
    }
}

fn entry(message: &jetstream::Message) -> Result<(u64, MatchLogEntry)> {
    let seq = message.info().doing("reading a match's log")?.stream_sequence;
    Ok((seq, codec::from_message("a match's log", &message.payload)?))
}

fn is_fence(error: &jetstream::context::PublishError) -> bool {
    if error.kind() == PublishErrorKind::WrongLastSequence {
        return true;
    }
    // Newer servers have a second code for the same refusal.
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<jetstream::Error>());
    source.is_some_and(|source| source.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)
}
