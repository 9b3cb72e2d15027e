//! Who is free, by class: tickets that may play in the same regions by now and allow the same difference in rating.
//!
//! Places are numbered in order of rating. Within a class, two tables point from a place to the nearest free one at or beyond it;
//! taking a place lets the pointers skip it (disjoint sets with path halving), so that a whole pass asks in almost constant time
//! and never walks over those who are taken.

use hashbrown::HashTable;

/// What the tickets of a class have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClassKey {
    /// The regions, as a set.
    pub regions: u16,
    /// How many widenings of the rating window they have behind them.
    pub level: u8,
}

#[derive(Debug, Clone, Copy)]
struct Class {
    key: ClassKey,
    /// Its first member's index.
    start: u32,
    /// How many members it has.
    len: u32,
}

/// The classes of one pass. Kept between passes, so that their memory is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Free {
    classes: Vec<Class>,
    by_key: HashTable<u32>,
    class_of: Vec<u32>,
    /// By class, and in a class by place: the place.
    members: Vec<u32>,
    /// From a place to its index in `members`.
    index_of: Vec<u32>,
    /// From an index to the first one of its class with the same rating.
    group_of: Vec<u32>,
    /// From an index to the next free one at or after it; one row longer than a class for each class.
    after: Vec<u32>,
    /// From an index, plus 1, to the last free one at or before it, plus 1.
    before: Vec<u32>,
}

fn hash(key: ClassKey) -> u64 {
    (u64::from(key.regions) << 8 | u64::from(key.level)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Free {
    /// Starts anew: each place is free, in the class of its key.
    pub fn reset(&mut self, keys: impl ExactSizeIterator<Item = ClassKey>, ratings: &[f64]) {
        self.classes.clear();
        self.by_key.clear();
        self.class_of.clear();
        for key in keys {
            let classes = &mut self.classes;
            let found = self.by_key.find(hash(key), |class| classes[*class as usize].key == key).copied();
            let class = found.unwrap_or_else(|| {
                let class = classes.len() as u32;
                classes.push(Class { key, start: 0, len: 0 });
                self.by_key.insert_unique(hash(key), class, |class| hash(classes[*class as usize].key));
                class
            });
            classes[class as usize].len += 1;
            self.class_of.push(class);
        }
        let mut start = 0;
        for class in &mut self.classes {
            class.start = start;
            start += class.len;
            class.len = 0;
        }
        let places = self.class_of.len();
        self.members.clear();
        self.members.resize(places, 0);
        self.index_of.clear();
        self.group_of.clear();
        self.group_of.resize(places, 0);
        for (place, class) in self.class_of.iter().enumerate() {
            let class = &mut self.classes[*class as usize];
            let index = class.start + class.len;
            let same = class.len > 0 && ratings[self.members[index as usize - 1] as usize] == ratings[place];
            self.group_of[index as usize] = if same { self.group_of[index as usize - 1] } else { index };
            self.members[index as usize] = place as u32;
            self.index_of.push(index);
            class.len += 1;
        }
        // The row of a class begins at its start plus its number: each row is one longer than its class.
        self.after.clear();
        self.after.extend(0..(places + self.classes.len()) as u32);
        self.before.clear();
        self.before.extend(0..(places + self.classes.len()) as u32);
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// What the tickets of a class have in common.
    pub fn key(&self, class: usize) -> ClassKey {
        self.classes[class].key
    }

    /// The place of a member.
    pub fn place(&self, index: u32) -> usize {
        self.members[index as usize] as usize
    }

    /// Where a class divides at a place: the first index whose place is not before it.
    pub fn split(&self, class: usize, place: usize) -> u32 {
        if self.class_of[place] as usize == class {
            return self.index_of[place];
        }
        let Class { start, len, .. } = self.classes[class];
        let members = &self.members[start as usize..][..len as usize];
        start + members.partition_point(|member| (*member as usize) < place) as u32
    }

    /// The first free member of a class at an index (which may be one past the last) or after it.
    pub fn at_or_after(&mut self, class: usize, index: u32) -> Option<u32> {
        let Class { start, len, .. } = self.classes[class];
        let offset = class as u32;
        let found = root(&mut self.after, index + offset) - offset;
        (found < start + len).then_some(found)
    }

    /// The last free member of a class before an index.
    pub fn before(&mut self, class: usize, index: u32) -> Option<u32> {
        let Class { start, .. } = self.classes[class];
        let offset = class as u32;
        // The table is shifted by one, so `index` is the entry of the one before.
        let found = root(&mut self.before, index + offset) - offset;
        (found > start).then(|| found - 1)
    }

    /// The first member of its class that has the same rating, free or not.
    pub fn group(&self, index: u32) -> u32 {
        self.group_of[index as usize]
    }

    /// The place is free no more.
    pub fn take(&mut self, place: usize) {
        let offset = self.class_of[place];
        let at = (self.index_of[place] + offset) as usize;
        self.after[at] = at as u32 + 1;
        self.before[at + 1] = at as u32;
    }
}

fn root(table: &mut [u32], at: u32) -> u32 {
    let mut at = at as usize;
    while table[at] as usize != at {
        table[at] = table[table[at] as usize];
        at = table[at] as usize;
    }
    at as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_walk_finds(
            levels in prop::collection::vec(0u8..3, 0..40),
            taken in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut free = Free::default();
            let key = |level: &u8| ClassKey { regions: 1, level: *level };
            free.reset([0, 1, 2, 2, 1].iter().map(key), &[1.0, 1.0, 2.0, 3.0, 3.0]);
            let ratings: Vec<f64> = (0..levels.len()).map(|place| (place / 3) as f64).collect();
            free.reset(levels.iter().map(key), &ratings);
            let mut open = vec![true; levels.len()];
            for index in taken {
                if !levels.is_empty() {
                    let place = index.index(levels.len());
                    if std::mem::take(&mut open[place]) {
                        free.take(place);
                    }
                }
                for class in 0..free.classes() {
                    let level = free.key(class).level;
                    let fits = |other: &usize| open[*other] && levels[*other] == level;
                    for place in 0..levels.len() {
                        let split = free.split(class, place);
                        let next = free.at_or_after(class, split).map(|index| free.place(index));
                        prop_assert_eq!(next, (place..levels.len()).find(fits));
                        let last = free.before(class, split).map(|index| free.place(index));
                        prop_assert_eq!(last, (0..place).rev().find(fits));
                    }
                }
            }
            for place in 0..levels.len() {
                let index = free.index_of[place];
                let first = (0..=place).find(|other| levels[*other] == levels[place] && ratings[*other] == ratings[place]);
                prop_assert_eq!(Some(free.place(free.group(index))), first);
            }
        }
    }
}
