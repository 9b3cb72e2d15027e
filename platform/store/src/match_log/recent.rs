//! The end of a log: what a take-over has to know, without what came before the last snapshot.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use muster_core::id::MatchId;

use super::{LastSnapshot, MatchLog, MatchLogEntry, Shard, entry};
use crate::error::NatsResult;
use crate::{Result, codec};

const WHAT: &str = "reading the end of a match's log";

impl MatchLog {
    /// The log from its last snapshot on, or from its beginning when it has none: entries with their stream sequences, oldest
    /// first; empty when there is no log. The first is either a `Created`, or carries the snapshot from which the rest follows.
    /// The last sequence is the next `expected_last_seq`.
    pub async fn read_recent(&self, match_id: MatchId) -> Result<Vec<(u64, MatchLogEntry)>> {
        let Some(last) = self.last(match_id).await? else { return Ok(Vec::new()) };
        let seq = last.sequence;
        let last: MatchLogEntry = codec::from_message("a match's log", &last.payload)?;
        let from = match (&last, last.snapshot()) {
            (MatchLogEntry::Created { .. }, _) | (_, Some(LastSnapshot::Here(_))) => {
                return Ok(vec![(seq, last)]);
            }
            (_, Some(LastSnapshot::At(from))) => *from,
            (_, None) => return self.read(match_id).await,
        };
        let messages = self.nats.read_from(WHAT, &Shard::of(match_id).stream(), self.subject(match_id), from).await?;
        let entries = messages.iter().map(entry).collect::<Result<Vec<_>>>()?;
        match entries.first() {
            Some((_, first)) if matches!(first.snapshot(), Some(LastSnapshot::Here(_))) => Ok(entries),
            // Purged meanwhile, or a snapshot of another version: all of it tells.
            _ => self.read(match_id).await,
        }
    }

    /// The stream sequence of the log's last entry, as the stream's leader has it; 0 when there is no log. Who believes to own the
    /// match and finds another number than its own has been replaced.
    pub async fn last_seq(&self, match_id: MatchId) -> Result<u64> {
        Ok(self.last(match_id).await?.map_or(0, |message| message.sequence))
    }

    /// Asked of the stream's leader rather than of any replica: what is behind would look like a log that nobody has written to.
    async fn last(&self, match_id: MatchId) -> Result<Option<StreamMessage>> {
        let stream = self.stream(match_id).await.doing(WHAT)?;
        match stream.get_last_raw_message_by_subject(&self.subject(match_id)).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error).doing(WHAT),
        }
    }
}
