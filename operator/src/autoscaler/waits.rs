//! How long tickets waited for their match, from one look to the next.

use jiff::{SignedDuration, Timestamp};

use super::{
    policy::Waited,
    text::{Buckets, quantile},
};

/// For how long a wait holds when nobody is matched after it: matches may come more seldom than looks.
const HOLDS: SignedDuration = SignedDuration::from_mins(5);

/// What was seen lately of the tickets of one measure.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    /// All counts of the last look.
    before: Option<Buckets>,
    /// The last wait that was known, and since when.
    last: Option<(Timestamp, Waited)>,
}

impl Waits {
    /// How long tickets waited that were matched since the last look, else those before them; with `ready` processes now.
    pub fn look(&mut self, waits: Buckets, ready: i32, now: Timestamp) -> Option<Waited> {
        if let Some(seconds) = self.before.as_ref().and_then(|before| quantile(before, &waits, 0.95)) {
            self.last = Some((now, Waited { seconds, ready }));
        }
        self.before = Some(waits);
        self.last.filter(|(at, _)| now.duration_since(*at) <= HOLDS).map(|(_, waited)| waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(late: f64) -> Buckets {
        Buckets::from([(10.0_f64.to_bits(), 100.0), (20.0_f64.to_bits(), 100.0 + late)])
    }

    #[test]
    fn a_wait_holds_until_the_next_is_known_or_for_a_while() {
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let mut waits = Waits::default();
        assert_eq!(waits.look(buckets(0.0), 4, at(0)), None);
        let late = Waited { seconds: 19.5, ready: 4 };
        assert_eq!(waits.look(buckets(10.0), 4, at(5)), Some(late));
        // Nobody was matched since. It was measured with four, however many there are now.
        assert_eq!(waits.look(buckets(10.0), 8, at(10)), Some(late));
        assert_eq!(waits.look(buckets(10.0), 8, at(305)), Some(late));
        assert_eq!(waits.look(buckets(10.0), 8, at(306)), None);
        assert_eq!(waits.look(buckets(20.0), 8, at(311)), Some(Waited { ready: 8, ..late }));
    }
}
