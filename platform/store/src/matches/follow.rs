//! The events of a match as they happen.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};
use muster_core::game::GameEvent;
use muster_core::id::MatchId;
use muster_core::wire::LoggedEvent;
use tokio::time::timeout;

use super::Matches;
use crate::Result;
use crate::match_log::LogTail;

/// Some events at a time, in order, until the match has ended.
pub struct EventStream {
    inner: BoxStream<'static, Result<Vec<LoggedEvent>>>,
}

impl Stream for EventStream {
    type Item = Result<Vec<LoggedEvent>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_next_unpin(context)
    }
}

/// How often to look whether the match was settled while its log says nothing: a log is purged after its match, and whoever
/// had not read its end by then finds it in the database.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How many events one step takes from the database.
const AT_ONCE: usize = 500;

impl Matches {
    /// The events after a number: what is there, then what comes, until the match has ended. None: there is no such match.
    pub async fn follow(&self, match_id: MatchId, after: u64) -> Result<Option<EventStream>> {
        let Some(finished) = self.is_finished(match_id).await? else { return Ok(None) };
        let source = if finished {
            Source::Database
        } else {
            Source::Log { tail: Box::new(self.log.tail(match_id).await?), read: 0 }
        };
        let follower = Follower { matches: self.clone(), match_id, last: after, source };
        let inner =
            try_unfold(follower, |mut follower| async { Ok(follower.next().await?.map(|events| (events, follower))) });
        Ok(Some(EventStream { inner: inner.boxed() }))
    }
}

struct Follower {
    matches: Matches,
    match_id: MatchId,
    /// The number of the last event given out.
    last: u64,
    source: Source,
}

enum Source {
    Log {
        tail: Box<LogTail>,
        /// How many events were read from it: what is read next has the number after that.
        read: u64,
    },
    Database,
    Ended,
}

impl Follower {
    /// The next events, at least one; None after the end.
    async fn next(&mut self) -> Result<Option<Vec<LoggedEvent>>> {
        loop {
            let events = match &mut self.source {
                Source::Ended => return Ok(None),
                Source::Database => self.read_database().await?,
                Source::Log { .. } => self.read_log().await?,
            };
            let Some(last) = events.last() else { continue };
            self.last = last.seq;
            if matches!(last.event, GameEvent::Ended { .. }) {
                self.source = Source::Ended;
            }
            return Ok(Some(events));
        }
    }

    async fn read_log(&mut self) -> Result<Vec<LoggedEvent>> {
        let Source::Log { tail, read } = &mut self.source else { return Ok(Vec::new()) };
        match timeout(LOOK_EVERY, tail.next()).await.map(|read| read.transpose()) {
            Ok(Some(entry)) => {
                let entry = entry?;
                let numbers = *read + 1..;
                *read += entry.events().len() as u64;
                let events = numbers.zip(entry.events()).map(|(seq, event)| LoggedEvent {
                    seq,
                    at: entry.at(),
                    event: event.clone(),
                });
                Ok(events.filter(|event| event.seq > self.last).collect())
            }
            Ok(None) => {
                self.source = Source::Ended;
                Ok(Vec::new())
            }
            Err(_) => {
                if self.matches.is_finished(self.match_id).await? != Some(false) {
                    self.source = Source::Database;
                }
                Ok(Vec::new())
            }
        }
    }

    async fn read_database(&mut self) -> Result<Vec<LoggedEvent>> {
        let events = self.matches.settled_events(self.match_id, self.last, AT_ONCE).await?;
        if events.is_empty() {
            self.source = Source::Ended;
        }
        Ok(events)
    }
}
