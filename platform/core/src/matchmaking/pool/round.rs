//! What one pass works with: who waits, in order of rating, with what the wait has brought each. Kept, so that passes do not
//! allocate.

use super::entry::{Age, Entry};
use super::free::{ClassKey, Free};
use super::order::Ordered;
use super::rules::PairRules;
use super::search::Desk;
use super::stages::{Stage, Stages};
use super::supply::Supply;
use super::teams::Table;

/// Candidates that a ticket may refuse, or be refused by, in one pass for other reasons than region and rating. Further ones are
/// not looked at while these wait, so that filters which let nobody play cost a bounded time.
pub(super) const MAX_REFUSED: usize = 2048;

/// Who waits at the moment of a pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// In order of rating: a ticket's place is its index here.
    pub slots: Vec<u32>,
    /// By place.
    pub ratings: Vec<f64>,
    /// By place: the regions it may play in by now, as a set.
    pub regions: Vec<u16>,
    /// By place: what the wait has brought, as a number.
    stages: Vec<u16>,
    /// By place: whether no rule between two reads more than rating and region.
    plain: Vec<bool>,
    /// Places, in the order in which they are looked at.
    pub oldest_first: Vec<u32>,
    pub taken: Vec<bool>,
    pub free: Free,
    /// Places that play each other, the older ticket first.
    pub pairs: Vec<(usize, usize)>,
    /// From a slot to its place.
    place_of: Vec<u32>,
    keys: Vec<ClassKey>,
    /// What teams are put together on.
    pub table: Table,
    /// What a second look works with.
    pub desk: Desk,
    /// Who would do what.
    pub supply: Supply,
}

/// What a round does not change.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub entries: &'a [Entry],
    pub pairs: &'a PairRules,
    pub stages: &'a Stages,
    /// Whether the queue has regions.
    pub regional: bool,
}

impl Round {
    /// Looks at those who wait and are not held, at a moment in milliseconds. `closed` is a set of the regions.
    pub fn begin(
        &mut self,
        rules: &Rules<'_>,
        (by_rating, by_age): (&[Ordered], &[Ordered]),
        (regions, closed): (usize, u16),
        now_ms: i64,
    ) {
        self.slots.clear();
        self.ratings.clear();
        self.regions.clear();
        self.stages.clear();
        self.plain.clear();
        self.keys.clear();
        self.place_of.clear();
        self.place_of.resize(rules.entries.len(), u32::MAX);
        for ordered in by_rating {
            let entry = &rules.entries[ordered.slot as usize];
            if entry.held {
                continue;
            }
            let number = rules.stages.number(now_ms - entry.enqueued_ms);
            let stage = rules.stages.get(number);
            let within = entry.within(&stage.latencies[..regions]) & !closed;
            self.place_of[ordered.slot as usize] = self.slots.len() as u32;
            self.slots.push(ordered.slot);
            self.ratings.push(entry.points);
            self.regions.push(within);
            self.stages.push(number);
            self.plain.push(rules.pairs.filters.is_empty() && entry.is_plain());
            self.keys.push(ClassKey { regions: within, level: stage.level });
        }
        self.oldest_first.clear();
        let places = by_age.iter().map(|ordered| self.place_of[ordered.slot as usize]);
        self.oldest_first.extend(places.filter(|place| *place != u32::MAX));
        self.taken.clear();
        self.taken.resize(self.slots.len(), false);
        self.free.reset(self.keys.iter().copied(), &self.ratings);
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn take(&mut self, place: usize) {
        self.taken[place] = true;
        self.free.take(place);
    }

    pub fn entry<'a>(&self, rules: &Rules<'a>, place: usize) -> &'a Entry {
        &rules.entries[self.slots[place] as usize]
    }

    pub fn stage<'a>(&self, rules: &Rules<'a>, place: usize) -> &'a Stage {
        rules.stages.get(self.stages[place])
    }

    pub fn age(&self, rules: &Rules<'_>, place: usize) -> Age {
        self.entry(rules, place).age()
    }

    /// Whether nothing but region and rating could speak against the two.
    pub fn allow(&self, rules: &Rules<'_>, a: usize, b: usize) -> bool {
        (self.plain[a] && self.plain[b])
            || rules
                .pairs
                .allow((self.entry(rules, a), self.stage(rules, a)), (self.entry(rules, b), self.stage(rules, b)))
    }
}
