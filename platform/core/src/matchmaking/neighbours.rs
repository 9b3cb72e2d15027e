//! Who is nearest on either side, among those of one level who are still free.
//!
//! Places are numbered in order of rating, levels by how wide a ticket's window has grown. For each level two tables point from
//! a place to the nearest free place of that level at or beyond it; taking a place lets the pointers skip it (disjoint sets with
//! path halving), so that a whole pass asks in almost constant time and never walks over those who do not fit.

/// The tables of one pass. Kept between passes, so that their memory is used again.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    places: usize,
    /// For each level: from place `p` at `p` to the next free one at or after it; `places` when there is none.
    after: Vec<u32>,
    /// For each level: from place `p` at `p + 1` to the last free one at or before it, also plus 1; 0 when there is none.
    before: Vec<u32>,
}

impl Neighbours {
    /// Starts anew: place `p` is free, at level `level_of[p]`, which is less than `levels`.
    pub fn reset(&mut self, level_of: &[u32], levels: usize) {
        self.places = level_of.len();
        let row = self.row();
        self.after.clear();
        self.after.resize(levels * row, 0);
        self.before.clear();
        self.before.resize(levels * row, 0);
        for level in 0..levels {
            let (after, before) = (&mut self.after[level * row..][..row], &mut self.before[level * row..][..row]);
            after[level_of.len()] = level_of.len() as u32;
            for place in (0..level_of.len()).rev() {
                after[place] = if level_of[place] as usize == level { place as u32 } else { after[place + 1] };
            }
            for place in 0..level_of.len() {
                before[place + 1] = if level_of[place] as usize == level { place as u32 + 1 } else { before[place] };
            }
        }
    }

    /// The first free place of a level at `place` (which may be one past the last) or after it.
    pub fn at_or_after(&mut self, level: usize, place: usize) -> Option<usize> {
        let row = self.row();
        let found = root(&mut self.after[level * row..][..row], place);
        (found < self.places).then_some(found)
    }

    /// The last free place of a level before `place`.
    pub fn before(&mut self, level: usize, place: usize) -> Option<usize> {
        let row = self.row();
        // The table is shifted by one, so `place` is the entry of the place before.
        root(&mut self.before[level * row..][..row], place).checked_sub(1)
    }

    /// The place, at its level, is free no more.
    pub fn take(&mut self, level: usize, place: usize) {
        let row = self.row();
        self.after[level * row + place] = place as u32 + 1;
        self.before[level * row + place + 1] = place as u32;
    }

    fn row(&self) -> usize {
        self.places + 1
    }
}

fn root(table: &mut [u32], mut at: usize) -> usize {
    while table[at] as usize != at {
        table[at] = table[table[at] as usize];
        at = table[at] as usize;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_walk_finds(
            level_of in prop::collection::vec(0u32..3, 0..40),
            taken in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut neighbours = Neighbours::default();
            neighbours.reset(&[0, 1, 2, 2, 1], 3);
            neighbours.reset(&level_of, 3);
            let mut free = vec![true; level_of.len()];
            for index in taken {
                if !level_of.is_empty() {
                    let place = index.index(level_of.len());
                    if free[place] {
                        free[place] = false;
                        neighbours.take(level_of[place] as usize, place);
                    }
                }
                for place in 0..level_of.len() {
                    for level in 0..3 {
                        let fits = |other: &usize| free[*other] && level_of[*other] as usize == level;
                        prop_assert_eq!(neighbours.at_or_after(level, place), (place..level_of.len()).find(fits));
                        prop_assert_eq!(neighbours.at_or_after(level, place + 1), (place + 1..level_of.len()).find(fits));
                        prop_assert_eq!(neighbours.before(level, place), (0..place).rev().find(fits));
                    }
                }
            }
        }
    }
}
