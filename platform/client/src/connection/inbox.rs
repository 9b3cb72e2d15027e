//! Pushes in order, each once.
//!
//! The platform numbers what it pushes to a player. After a reconnect it sends again from where we were, and two of its
//! processes may push at the same moment: so a push may come twice, or before an earlier one.

use std::collections::BTreeMap;

use muster_core::wire::Push;

/// What was seen, and what came too early.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    last: Option<u64>,
    /// `None` is a push of a kind that this version does not know: its number counts, its content is nothing to us.
    early: BTreeMap<u64, Option<Push>>,
    /// The number after which a push was missing when the line was last given up for it.
    given_up_after: Option<u64>,
}

impl Inbox {
    /// The last number that was handed on: where the platform shall go on after a reconnect.
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// At a welcome that is no continuation: everything up to `seq` is told by the welcome itself.
    pub(super) fn start_at(&mut self, seq: u64) {
        self.last = Some(seq);
        self.early.clear();
    }

    /// At a new line: what came too early will come again.
    pub(super) fn forget_early(&mut self) {
        self.early.clear();
    }

    /// Takes a push in; repeated ones are dropped here.
    pub(super) fn take(&mut self, seq: u64, push: Option<Push>) {
        if self.last.is_none_or(|last| seq > last) {
            self.early.insert(seq, push);
        }
    }

    /// The next push in order, if it is there.
    pub(super) fn next(&mut self) -> Option<(u64, Option<Push>)> {
        let entry = self.early.first_entry()?;
        let due = self.last.is_none_or(|last| *entry.key() == last + 1);
        due.then(|| entry.remove_entry())
    }

    /// Says that a push was handed on.
    pub(super) fn handed_on(&mut self, seq: u64) {
        self.last = Some(seq);
    }

    /// Whether something waits for a push that is missing.
    pub(super) fn is_waiting(&self) -> bool {
        !self.early.is_empty()
    }

    /// The missing push did not come. True: give the line up and have it sent again. False: that was done before, and it is
    /// missing still; from here on it counts as seen.
    pub(super) fn give_up(&mut self) -> bool {
        if self.given_up_after != self.last {
            self.given_up_after = self.last;
            return true;
        }
        if let Some(first) = self.early.keys().next() {
            self.last = first.checked_sub(1);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(inbox: &mut Inbox) -> Vec<u64> {
        let mut handed_on = Vec::new();
        while let Some((seq, _)) = inbox.next() {
            inbox.handed_on(seq);
            handed_on.push(seq);
        }
        handed_on
    }

    #[test]
    fn a_repeated_push_is_dropped() {
        let mut inbox = Inbox::default();
        inbox.start_at(4);
        for seq in [4, 5, 5, 3, 6] {
            inbox.take(seq, None);
        }
        assert_eq!(drain(&mut inbox), [5, 6]);
        inbox.take(6, None);
        assert_eq!(drain(&mut inbox), [0_u64; 0]);
    }

    #[test]
    fn an_early_push_waits_for_the_one_before() {
        let mut inbox = Inbox::default();
        inbox.start_at(1);
        inbox.take(3, None);
        assert_eq!(drain(&mut inbox), [0_u64; 0]);
        assert!(inbox.is_waiting());
        inbox.take(2, None);
        assert_eq!(drain(&mut inbox), [2, 3]);
        assert!(!inbox.is_waiting());
    }

    #[test]
    fn a_push_that_stays_missing_is_asked_for_once() {
        let mut inbox = Inbox::default();
        inbox.start_at(1);
        inbox.take(4, None);
        assert!(inbox.give_up(), "first the line is given up");
        inbox.forget_early();
        inbox.take(4, None);
        assert!(!inbox.give_up(), "then the gap is accepted");
        assert_eq!(drain(&mut inbox), [4]);
    }
}
