//! When each match has its next move: once an interval, at a moment of its own.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use muster_client::core::id::MatchId;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

/// Places for matches. A place keeps its moment within the interval, whichever match is in it.
pub struct Schedule {
    places: Vec<Option<MatchId>>,
    free: Vec<usize>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    interval: Duration,
}

impl Schedule {
    /// So many places, whose moments are drawn evenly from the interval; those of the same seed are the same.
    pub fn new(places: u32, interval: Duration, seed: u64, now: Instant) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let places = places as usize;
        let due = (0..places).map(|place| Reverse((now + interval.mul_f64(chance.random::<f64>()), place))).collect();
        Self { places: vec![None; places], free: (0..places).rev().collect(), due, interval }
    }

    /// A match has begun; false when there is no place for it.
    pub fn seat(&mut self, match_id: MatchId) -> bool {
        let Some(place) = self.free.pop() else { return false };
        self.places[place] = Some(match_id);
        true
    }

    /// A match is over.
    pub fn leave(&mut self, match_id: MatchId) {
        if let Some(place) = self.places.iter().position(|at| *at == Some(match_id)) {
            self.places[place] = None;
            self.free.push(place);
        }
    }

    /// How many matches are seated.
    pub fn seated(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// The next place whose moment has come, with that moment and the match that is there; none when none has come.
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, Option<MatchId>)> {
        let mut next = self.due.peek_mut()?;
        let Reverse((due, place)) = *next;
        if due > now {
            return None;
        }
        *next = Reverse((due + self.interval, place));
        drop(next);
        Some((due, self.places[place]))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn match_id(number: u128) -> MatchId {
        MatchId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn each_place_is_due_once_an_interval() {
        let now = Instant::now();
        let mut schedule = Schedule::new(50, SECOND, 1, now);
        assert!((1..=50).all(|number| schedule.seat(match_id(number))));
        assert!(!schedule.seat(match_id(51)));
        assert_eq!(schedule.seated(), 50);
        let mut due = Vec::new();
        while let Some((at, Some(match_id))) = schedule.pop(now + 3 * SECOND - Duration::from_nanos(1)) {
            due.push((at, match_id));
        }
        assert_eq!(due.len(), 150);
        assert!(due.is_sorted_by_key(|(at, _)| *at));
        let first: Vec<Instant> = due.iter().filter(|(_, id)| *id == match_id(1)).map(|(at, _)| *at).collect();
        assert_eq!(first.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>(), [SECOND, SECOND]);
    }

    #[test]
    fn a_place_is_taken_again() {
        let now = Instant::now();
        let mut schedule = Schedule::new(1, SECOND, 1, now);
        assert!(schedule.seat(match_id(1)));
        schedule.leave(match_id(1));
        assert_eq!(schedule.pop(now + SECOND).map(|(_, id)| id), Some(None));
        assert!(schedule.seat(match_id(2)));
        assert_eq!(schedule.pop(now + 2 * SECOND).map(|(_, id)| id), Some(Some(match_id(2))));
    }
}
