//! Whether there are enough near a ticket who would do each role: a role that nobody does must not cost a search for each ticket.

use super::round::{Round, Rules};
use super::teams::Shape;

/// Places that one look at a role passes before it says that there may be enough.
const MAX_PASSED: usize = 256;

/// By role: the places of tickets of which a player would do it, in order of rating. Kept, so that passes do not allocate.
pub(super) type Supply = Vec<Vec<u32>>;

impl Round {
    /// Looks at who would do what.
    pub fn take_stock(&mut self, rules: &Rules<'_>, shape: &Shape) {
        let mut supply = std::mem::take(&mut self.supply);
        supply.resize_with(shape.composition.roles().count(), Vec::new);
        for ((role, _), places) in shape.composition.roles().zip(&mut supply) {
            let would = |place: &usize| self.entry(rules, *place).role_sets(role).any(|roles| roles & role != 0);
            places.clear();
            places.extend((0..self.len()).filter(would).map(|place| place as u32));
        }
        self.supply = supply;
    }

    /// Whether a match around a ticket may have all its roles: false only when it cannot.
    pub fn may_have_roles(&self, rules: &Rules<'_>, shape: &Shape, first: usize) -> bool {
        let width = self.stage(rules, first).width;
        let near = |place: usize| (self.ratings[place] - self.ratings[first]).abs() <= width;
        shape.composition.roles().zip(&self.supply).all(|((role, count), places)| {
            let needed = usize::from(count) * usize::from(shape.teams.count);
            let willing = |place: usize| {
                let players = || self.role_sets(rules, shape, place).filter(|roles| roles & role != 0).count();
                let free = !self.taken[place] && (!rules.regional || self.regions[place] & self.regions[first] != 0);
                if free { players() } else { 0 }
            };
            let split = places.partition_point(|place| (*place as usize) < first);
            let above = places[split..].iter().map(|place| *place as usize).take_while(|place| near(*place));
            let below = places[..split].iter().rev().map(|place| *place as usize).take_while(|place| near(*place));
            let (mut found, mut passed) = (0, 0);
            for place in above.chain(below) {
                found += willing(place);
                passed += 1;
                if found >= needed || passed == MAX_PASSED {
                    return true;
                }
            }
            false
        })
    }
}
