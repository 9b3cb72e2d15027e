//! What has to hold between two tickets, besides their ratings and regions.

use super::entry::Entry;
use super::stages::Stage;
use crate::matchmaking::queue::{Filters, PropertyRow};

/// Why two tickets do not play together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// One of them never plays with the other.
    Blocked,
    /// They have played each other lately.
    RecentOpponents,
    /// The filter of this number is not true for one of them.
    Filter(usize),
}

/// The rules between two tickets.
#[derive(Debug, Clone)]
pub(super) struct PairRules {
    pub filters: Filters,
    /// Of a ticket that says nothing of itself.
    unsaid: PropertyRow,
}

impl PairRules {
    pub fn new(filters: Filters) -> Self {
        Self { filters, unsaid: PropertyRow::default() }
    }

    /// What a ticket says of itself.
    pub fn row<'a>(&'a self, ticket: &'a Entry) -> &'a PropertyRow {
        ticket.row().unwrap_or(&self.unsaid)
    }

    /// Whether nothing speaks against it, seen from both.
    pub fn allow(&self, a: (&Entry, &Stage), b: (&Entry, &Stage)) -> bool {
        !blocked(a.0, b.0) && !met(a, b) && (0..self.filters.len()).all(|filter| self.keeps(filter, a, b))
    }

    /// Everything that speaks against it, in the order of the rules.
    pub fn refusals(&self, a: (&Entry, &Stage), b: (&Entry, &Stage)) -> impl Iterator<Item = Refusal> {
        let blocked = blocked(a.0, b.0).then_some(Refusal::Blocked);
        let met = met(a, b).then_some(Refusal::RecentOpponents);
        let filters = (0..self.filters.len()).filter(move |filter| !self.keeps(*filter, a, b)).map(Refusal::Filter);
        blocked.into_iter().chain(met).chain(filters)
    }

    /// Whether a filter is true both ways, or both would do without it.
    fn keeps(&self, filter: usize, a: (&Entry, &Stage), b: (&Entry, &Stage)) -> bool {
        let dropped = a.1.dropped & b.1.dropped & 1 << filter != 0;
        let (ours, theirs) = (self.row(a.0), self.row(b.0));
        dropped || (self.filters.allows(filter, ours, theirs) && self.filters.allows(filter, theirs, ours))
    }
}

fn blocked(a: &Entry, b: &Entry) -> bool {
    a.blocks(b) || b.blocks(a)
}

fn met(a: (&Entry, &Stage), b: (&Entry, &Stage)) -> bool {
    !(a.1.recent_opponents && b.1.recent_opponents) && (a.0.met(b.0) || b.0.met(a.0))
}
