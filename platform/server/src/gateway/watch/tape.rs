//! The latest events of a match that is watched, and how far they may be told.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use muster_core::wire::{LoggedEvent, MAX_WATCH_EVENTS, MatchView, WatchEnd};
use tokio::sync::watch;

/// Events that are kept of one match: more than nearly any match has.
const KEPT: usize = 4_096;

/// How far watchers may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The number of the last event that is ripe; 0 when none is.
    pub ripe: u64,
    /// Nothing comes after that.
    pub end: Option<WatchEnd>,
}

/// What a reader asked for is no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFarBehind;

/// One match's events. One writes, many read.
pub struct Tape {
    events: Mutex<VecDeque<LoggedEvent>>,
    mark: watch::Sender<Mark>,
    /// The match as it ended, once that may be told.
    ended: OnceLock<MatchView>,
}

impl Tape {
    pub fn new() -> Self {
        Self { events: Mutex::default(), mark: watch::Sender::new(Mark::default()), ended: OnceLock::new() }
    }

    /// Adds what has happened, in order; it is not ripe. Old events that are ripe make room for it.
    pub fn write(&self, happened: Vec<LoggedEvent>) {
        let ripe = self.mark.borrow().ripe;
        let mut events = self.events();
        events.extend(happened);
        while events.len() > KEPT && events.front().is_some_and(|event| event.seq <= ripe) {
            events.pop_front();
        }
    }

    /// Whether there is room for more: only what is not ripe yet can fill it.
    pub fn has_room(&self) -> bool {
        let ripe = self.mark.borrow().ripe;
        self.events().front().is_none_or(|event| event.seq <= ripe) || self.events().len() < KEPT
    }

    /// The first event that is not ripe.
    pub fn next_to_ripen(&self) -> Option<LoggedEvent> {
        let ripe = self.mark.borrow().ripe;
        let events = self.events();
        events.get(events.partition_point(|event| event.seq <= ripe)).cloned()
    }

    /// The number of the last event that was written; 0 when there was none.
    pub fn last(&self) -> u64 {
        self.events().back().map_or(self.mark.borrow().ripe, |event| event.seq)
    }

    /// Lets watchers read up to this event.
    pub fn ripen(&self, seq: u64) {
        self.mark.send_modify(|mark| mark.ripe = mark.ripe.max(seq));
    }

    /// Lets watchers read that it has ended, and how when it is over.
    pub fn end(&self, end: WatchEnd, view: Option<MatchView>) {
        if let Some(view) = view {
            let _ = self.ended.set(view);
        }
        self.mark.send_modify(|mark| mark.end = Some(end));
    }

    /// The match as it ended.
    pub fn ended(&self) -> Option<&MatchView> {
        self.ended.get()
    }

    /// How far watchers may read, as it changes.
    pub fn marks(&self) -> watch::Receiver<Mark> {
        self.mark.subscribe()
    }

    /// Whether anybody reads.
    pub fn is_watched(&self) -> bool {
        self.mark.receiver_count() > 0
    }

    /// Waits until nobody reads.
    pub async fn unwatched(&self) {
        self.mark.closed().await;
    }

    /// The number that the oldest kept event comes after.
    pub fn kept_after(&self) -> u64 {
        self.events().front().map_or(0, |event| event.seq - 1)
    }

    /// The ripe events after a number, in order: some of them, at least one when there is one.
    ///
    /// # Errors
    /// [`TooFarBehind`].
    pub fn read(&self, after: u64) -> Result<Vec<LoggedEvent>, TooFarBehind> {
        let ripe = self.mark.borrow().ripe;
        let events = self.events();
        if events.front().is_some_and(|event| event.seq > after + 1) {
            return Err(TooFarBehind);
        }
        let from = events.partition_point(|event| event.seq <= after);
        let page = events.range(from..).take_while(|event| event.seq <= ripe).take(MAX_WATCH_EVENTS);
        Ok(page.cloned().collect())
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<LoggedEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use muster_core::game::{GameEvent, Seat};

    use super::*;

    fn events(seqs: std::ops::RangeInclusive<u64>) -> Vec<LoggedEvent> {
        let event =
            |seq| LoggedEvent { seq, at: muster_store::now(), event: GameEvent::TurnBegan { seat: Seat::First } };
        seqs.map(event).collect()
    }

    fn seqs(page: Result<Vec<LoggedEvent>, TooFarBehind>) -> Vec<u64> {
        page.unwrap().iter().map(|event| event.seq).collect()
    }

    #[test]
    fn only_what_is_ripe_is_read_and_a_page_at_a_time() {
        let tape = Tape::new();
        tape.write(events(1..=200));
        assert_eq!(seqs(tape.read(0)), [0_u64; 0]);
        assert_eq!(tape.next_to_ripen().unwrap().seq, 1);
        tape.ripen(100);
        assert_eq!(tape.next_to_ripen().unwrap().seq, 101);
        assert_eq!(seqs(tape.read(0)), (1..=64).collect::<Vec<_>>());
        assert_eq!(seqs(tape.read(64)), (65..=100).collect::<Vec<_>>());
        assert_eq!(seqs(tape.read(100)), [0_u64; 0]);
        assert_eq!(seqs(tape.read(u64::MAX - 1)), [0_u64; 0], "a number from nowhere finds nothing");
    }

    #[test]
    fn memory_is_bounded_and_what_is_not_ripe_is_kept() {
        let tape = Tape::new();
        let kept = KEPT as u64;
        tape.write(events(1..=kept));
        assert!(!tape.has_room(), "nothing is ripe, so nothing may go");
        tape.ripen(10);
        assert!(tape.has_room());
        tape.write(events(kept + 1..=kept + 20));
        assert_eq!(tape.kept_after(), 10, "only the ripe ones went");
        assert_eq!(tape.read(9), Err(TooFarBehind));
        assert_eq!(tape.last(), kept + 20);
        tape.ripen(kept + 20);
        assert_eq!(seqs(tape.read(10)).first(), Some(&11));
    }
}
