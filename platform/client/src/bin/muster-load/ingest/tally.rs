//! Which events were acknowledged, without keeping them all.

use muster_client::core::id::EventId;

/// A set of events: two that were made of the same ones are the same, in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub events: u64,
    /// The sum of the last 48 bits of their ids.
    pub id_sum: u128,
    /// The exclusive or of the same.
    pub id_xor: u64,
}

impl Tally {
    /// One more.
    pub fn add(&mut self, id: EventId) {
        let (_, low) = id.uuid().as_u64_pair();
        let low = low & ((1 << 48) - 1);
        self.events += 1;
        self.id_sum += u128::from(low);
        self.id_xor ^= low;
    }

    /// Others too.
    pub fn join(&mut self, other: Self) {
        self.events += other.events;
        self.id_sum += other.id_sum;
        self.id_xor ^= other.id_xor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_does_not_matter_and_each_event_does() {
        let ids: Vec<EventId> =
            (0..10).map(|n| EventId::new("2026-01-31T09:30:00Z".parse().unwrap(), [n; 10])).collect();
        let tally = |ids: &[EventId]| {
            let mut tally = Tally::default();
            ids.iter().for_each(|id| tally.add(*id));
            tally
        };
        let all = tally(&ids);
        let mut halves = tally(&ids[6..]);
        halves.join(tally(&ids[..6]));
        assert_eq!(all, halves);
        assert_ne!(all, tally(&ids[1..]));
        let twice: Vec<EventId> = ids[..9].iter().chain(&ids[..1]).copied().collect();
        assert_ne!(all, tally(&twice));
    }
}
