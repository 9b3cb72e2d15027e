//! Which commands were obeyed: the same id again is not obeyed again.

use std::collections::VecDeque;

use muster_core::game::Seat;

/// How many ids are kept of each seat. A client repeats a command within seconds, and has few under way at a time.
const KEPT: usize = 32;

/// The newest commands of each seat, by the clients' ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered([VecDeque<String>; 2]);

impl Answered {
    pub(super) fn new(oldest_first: [Vec<String>; 2]) -> Self {
        let mut answered = Self::default();
        for (seat, ids) in Seat::ALL.into_iter().zip(oldest_first) {
            ids.into_iter().for_each(|id| answered.insert(seat, id));
        }
        answered
    }

    pub(super) fn insert(&mut self, seat: Seat, command_id: String) {
        let ids = &mut self.0[seat.index()];
        if ids.len() == KEPT {
            ids.pop_front();
        }
        ids.push_back(command_id);
    }

    pub(super) fn contains(&self, seat: Seat, command_id: &str) -> bool {
        // A repeated command is a young one.
        self.0[seat.index()].iter().rev().any(|id| id == command_id)
    }

    /// All of them, oldest first.
    pub(super) fn to_vecs(&self) -> [Vec<String>; 2] {
        self.0.each_ref().map(|ids| ids.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_known_and_memory_is_bounded() {
        let mut answered = Answered::default();
        for n in 0..100 {
            answered.insert(Seat::First, n.to_string());
        }
        assert!(answered.contains(Seat::First, "99") && answered.contains(Seat::First, "68"));
        assert!(!answered.contains(Seat::First, "67"));
        assert!(!answered.contains(Seat::Second, "99"), "each seat has its own ids");
        let again = Answered::new(answered.to_vecs());
        assert_eq!(again.to_vecs(), answered.to_vecs());
        assert_eq!(again.to_vecs().map(|ids| ids.len()), [KEPT, 0]);
    }
}
