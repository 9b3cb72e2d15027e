//! One socket's watching: a place in each of a few matches.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use muster_core::id::MatchId;
use muster_core::wire::{MAX_WATCHED, ServerMessage, WatchBegan, WatchEnd, WatchEnded, WatchEvents};
use tokio::sync::watch;

use super::Watched;
use super::tape::Mark;
use crate::events;

/// Who watches a match from a certain event on.
pub struct Watcher {
    watched: Arc<Watched>,
    marks: watch::Receiver<Mark>,
    delay: Duration,
    /// The number of the last event that was told.
    last: u64,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    Reading,
    Ended,
}

impl Watcher {
    pub(super) fn new(watched: Arc<Watched>, after: u64, delay: Duration) -> Self {
        let marks = watched.tape.marks();
        Self { watched, marks, delay, last: after, state: State::New }
    }

    /// Which match.
    pub fn match_id(&self) -> MatchId {
        self.watched.beginning.match_id
    }

    /// The next message; None after `watch.ended`.
    async fn next(&mut self) -> Option<ServerMessage> {
        match self.state {
            State::New => {
                self.state = State::Reading;
                self.last = self.last.max(self.watched.tape.kept_after());
                return Some(ServerMessage::WatchBegan(WatchBegan {
                    r#match: self.watched.beginning.clone(),
                    delay_ms: u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
                    after: self.last,
                }));
            }
            State::Reading => {}
            State::Ended => return None,
        }
        loop {
            let mark = *self.marks.borrow_and_update();
            if self.last < mark.ripe {
                return Some(match self.watched.tape.read(self.last) {
                    Ok(events) if events.is_empty() => self.end(WatchEnd::Unavailable),
                    Ok(events) => {
                        self.last = events.last().map_or(self.last, |event| event.seq);
                        ServerMessage::WatchEvents(WatchEvents { match_id: self.match_id(), events })
                    }
                    Err(_) => self.end(WatchEnd::TooSlow),
                });
            }
            if let Some(end) = mark.end {
                return Some(self.end(end));
            }
            // The writer lives as long as this does; should it ever be gone, nothing comes any more.
            if self.marks.changed().await.is_err() {
                return Some(self.end(WatchEnd::Unavailable));
            }
        }
    }

    fn end(&mut self, reason: WatchEnd) -> ServerMessage {
        self.state = State::Ended;
        events::watch_ended(reason);
        let r#match = self.watched.tape.ended().filter(|_| reason == WatchEnd::Over).cloned();
        ServerMessage::WatchEnded(WatchEnded { match_id: self.match_id(), reason, r#match })
    }

    fn messages(self) -> BoxStream<'static, ServerMessage> {
        unfold(self, |mut watcher| async { watcher.next().await.map(|message| (message, watcher)) }).boxed()
    }
}

/// Everything that one socket watches.
#[derive(Default)]
pub struct Watchers {
    watched: Vec<(MatchId, BoxStream<'static, ServerMessage>)>,
    turn: usize,
}

impl Watchers {
    /// Whether one more can be watched, or this one anew.
    pub fn has_room_for(&self, match_id: MatchId) -> bool {
        self.watched.len() < MAX_WATCHED || self.watched.iter().any(|(watched, _)| *watched == match_id)
    }

    /// Watches a match; anew when it is watched already.
    pub fn add(&mut self, watcher: Watcher) {
        self.remove(watcher.match_id());
        self.watched.push((watcher.match_id(), watcher.messages()));
    }

    /// Watches it no more.
    pub fn remove(&mut self, match_id: MatchId) {
        self.watched.retain(|(watched, _)| *watched != match_id);
    }
}

/// What is to be told next, of one match after the other. None: nothing is watched.
impl Stream for Watchers {
    type Item = ServerMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerMessage>> {
        let mut left = self.watched.len();
        while left > 0 {
            self.turn = (self.turn + 1) % self.watched.len();
            let turn = self.turn;
            match self.watched[turn].1.poll_next_unpin(context) {
                Poll::Ready(Some(message)) => return Poll::Ready(Some(message)),
                Poll::Ready(None) => {
                    drop(self.watched.swap_remove(turn));
                    if self.watched.is_empty() {
                        break;
                    }
                    left = self.watched.len();
                }
                Poll::Pending => left -= 1,
            }
        }
        if self.watched.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}
