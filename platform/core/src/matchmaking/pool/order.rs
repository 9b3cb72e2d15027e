//! Orders of the tickets that are kept from pass to pass: what came is merged in, what left is dropped.

use std::cmp::Ordering;

/// Slots of the pool in the order of a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    sorted: Vec<Ordered>,
    /// Where the newcomers are sorted before they are merged in.
    coming: Vec<Ordered>,
}

/// A place in an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ordered {
    pub key: i64,
    pub slot: u32,
    pub stamp: u32,
}

impl Order {
    /// All of them, in order.
    pub fn sorted(&self) -> &[Ordered] {
        &self.sorted
    }

    /// Somebody came.
    pub fn add(&mut self, key: i64, slot: u32, stamp: u32) {
        self.coming.push(Ordered { key, slot, stamp });
    }

    /// Brings the order up to date: drops those of whom `is_here` is false when some have left, and merges in who came. `tie`
    /// orders two slots of the same key.
    pub fn refresh(&mut self, some_left: bool, is_here: impl Fn(&Ordered) -> bool, tie: impl Fn(u32, u32) -> Ordering) {
        if some_left {
            self.sorted.retain(&is_here);
            self.coming.retain(&is_here);
        }
        let order = |a: &Ordered, b: &Ordered| a.key.cmp(&b.key).then_with(|| tie(a.slot, b.slot));
        self.coming.sort_unstable_by(order);
        // From the back, so that each is moved once and in place.
        let (mut left, mut right) = (self.sorted.len(), self.coming.len());
        self.sorted.extend_from_slice(&self.coming);
        while right > 0 {
            let from_left = left > 0 && order(&self.sorted[left - 1], &self.coming[right - 1]).is_gt();
            self.sorted[left + right - 1] = if from_left { self.sorted[left - 1] } else { self.coming[right - 1] };
            if from_left {
                left -= 1;
            } else {
                right -= 1;
            }
        }
        self.coming.clear();
    }

    pub fn clear(&mut self) {
        self.sorted.clear();
        self.coming.clear();
    }
}

/// A number that sorts as the float does.
pub(super) fn sortable(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stays_sorted_as_some_come_and_some_leave(
            rounds in prop::collection::vec(
                (prop::collection::vec(0i64..50, 0..20), prop::collection::vec(0u32..100, 0..8)),
                1..6,
            ),
        ) {
            let mut order = Order::default();
            let mut here: Vec<(i64, u32)> = Vec::new();
            let mut next = 0;
            for (coming, leaving) in rounds {
                for key in coming {
                    order.add(key, next, next);
                    here.push((key, next));
                    next += 1;
                }
                let before = here.len();
                here.retain(|(_, slot)| !leaving.contains(slot));
                order.refresh(
                    here.len() < before,
                    |place| here.iter().any(|(_, slot)| *slot == place.slot),
                    |a, b| a.cmp(&b),
                );
                here.sort_unstable();
                let found: Vec<_> = order.sorted().iter().map(|place| (place.key, place.slot)).collect();
                prop_assert_eq!(&found, &here);
            }
        }

        #[test]
        fn sorts_as_floats_do(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(sortable(a).cmp(&sortable(b)), a.total_cmp(&b));
        }
    }
}
