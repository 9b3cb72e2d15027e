//! What an operation may cost. Every field costs 1 and what is below it, a list as often as it may have entries.

/// Deepest nesting of fields.
pub const MAX_DEPTH: usize = 12;

/// Highest cost of one operation: 500 events with every field, 100 matches with their players, or all queues with what their
/// shards hold, and some to spare.
pub const MAX_COST: usize = 10_000;

/// Most entries of one page of matches.
pub const MAX_PAGE: i32 = 100;

/// Most events of one match in one answer.
pub const MAX_EVENTS: i32 = 500;

/// Most steps of one match on one page: each tells the event and the whole state after it.
pub const MAX_STEPS: i32 = 200;

/// Most versions of a queue on one page.
pub const MAX_VERSIONS: i32 = 100;

/// Facts are read from as many events as there were tickets: an operation may ask for all queues', a few spans of one queue's,
/// but not for many spans of all.
pub const FACTS: usize = 50;

/// A dry run costs more than half of what is allowed, so that one operation has one.
pub const DRY_RUN: usize = MAX_COST / 2 + 1;

/// A sign-in costs more than half of what is allowed, so that one operation can try one password.
pub const SIGN_IN: usize = MAX_COST / 2 + 1;

/// The cost of a list of at most `first` entries, each of which costs `entry`.
pub fn list(first: Option<i32>, otherwise: i32, most: i32, entry: usize) -> usize {
    let entries = first.unwrap_or(otherwise).clamp(1, most).unsigned_abs() as usize;
    entries.saturating_mul(entry.max(1)).saturating_add(1)
}

/// Lists without `first`, whose length nobody can say beforehand: what they are reckoned to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reckoned {
    /// All queues. The shipped set is 10.
    Queues = 50,
    /// Shards of a queue: one is usual, 16 are the most.
    Shards = 4,
    /// Regions of a queue: 17 with "nowhere" are the most.
    Regions = 8,
    /// Ways in which tickets of a region ended.
    Endings = 10,
    /// Buckets of a histogram: 64 are the most.
    Buckets = 32,
    /// Rules of an explanation.
    Rules = 15,
    /// Metrics of a comparison.
    Metrics = 14,
}

impl Reckoned {
    /// The cost of the list, when each entry costs `entry`.
    pub fn of(self, entry: usize) -> usize {
        (self as usize).saturating_mul(entry.max(1)).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_costs_its_entries() {
        assert_eq!(list(Some(10), 25, 100, 4), 41);
        assert_eq!(list(None, 25, 100, 1), 26);
        assert_eq!(list(Some(-5), 25, 100, 3), 4);
        assert_eq!(list(Some(i32::MAX), 25, 100, 2), 201);
        assert_eq!((Reckoned::Shards.of(5), Reckoned::Metrics.of(0)), (21, 15));
    }
}
