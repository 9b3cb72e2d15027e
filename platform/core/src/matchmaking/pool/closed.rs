//! Regions in which nobody plays for now.

use std::collections::BTreeSet;

use super::Pool;
use crate::matchmaking::Ticket;

impl Pool {
    /// Closes these regions and opens all others: from now on no match is proposed in a closed one, nor players for one that
    /// runs there.
    pub fn close_regions(&mut self, closed: &BTreeSet<&str>) {
        let regions = self.regions.iter().enumerate();
        self.closed = regions.filter(|(_, name)| closed.contains(&***name)).fold(0, |set, (index, _)| set | 1 << index);
    }

    /// Whether a ticket could play in closed regions only, however long it waited here.
    pub fn shuts_out(&self, ticket: &Ticket) -> bool {
        if self.closed == 0 {
            return false;
        }
        let mut places = self.regions.iter().enumerate().filter_map(|(index, name)| {
            let region = self.definition.regions.iter().find(|region| *region.name == **name)?;
            region.may_take(&ticket.latencies_ms).then_some(self.closed & 1 << index != 0)
        });
        // Who is too far away from everywhere is no matter of closures.
        places.next().is_some_and(|first| first && places.all(|closed| closed))
    }
}
