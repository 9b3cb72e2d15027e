//! What has to hold between two tickets, or a ticket and a running match, besides ratings and regions.

use super::entry::Entry;
use super::stages::Stage;
use super::wish::Wish;
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
        let (ours, theirs) = ((self.row(a.0), a.1), (self.row(b.0), b.1));
        !blocked(a.0, b.0) && !met(a, b) && (0..self.filters.len()).all(|filter| self.keeps(filter, ours, theirs))
    }

    /// The same between a running match and who would join it.
    pub fn allow_joining(&self, there: (&Wish, &Stage), newcomer: (&Entry, &Stage)) -> bool {
        let (ours, theirs) = ((&there.0.row, there.1), (self.row(newcomer.0), newcomer.1));
        !there.0.is_blocked(newcomer.0)
            && (would_meet(there.1, newcomer.1) || !there.0.met(newcomer.0))
            && (0..self.filters.len()).all(|filter| self.keeps(filter, ours, theirs))
    }

    /// Everything that speaks against it, in the order of the rules.
    pub fn refusals(&self, a: (&Entry, &Stage), b: (&Entry, &Stage)) -> impl Iterator<Item = Refusal> {
        let blocked = blocked(a.0, b.0).then_some(Refusal::Blocked);
        let met = met(a, b).then_some(Refusal::RecentOpponents);
        let broken = move |filter: &usize| !self.keeps(*filter, (self.row(a.0), a.1), (self.row(b.0), b.1));
        let filters = (0..self.filters.len()).filter(broken).map(Refusal::Filter);
        blocked.into_iter().chain(met).chain(filters)
    }

    /// Whether a filter is true both ways, or both would do without it.
    fn keeps(&self, filter: usize, ours: (&PropertyRow, &Stage), theirs: (&PropertyRow, &Stage)) -> bool {
        let dropped = ours.1.dropped & theirs.1.dropped & 1 << filter != 0;
        dropped || (self.filters.allows(filter, ours.0, theirs.0) && self.filters.allows(filter, theirs.0, ours.0))
    }
}

fn blocked(a: &Entry, b: &Entry) -> bool {
    a.blocks(b) || b.blocks(a)
}

fn met(a: (&Entry, &Stage), b: (&Entry, &Stage)) -> bool {
    !would_meet(a.1, b.1) && (a.0.met(b.0) || b.0.met(a.0))
}

/// Whether recent opponents will do for both.
fn would_meet(a: &Stage, b: &Stage) -> bool {
    a.recent_opponents && b.recent_opponents
}
