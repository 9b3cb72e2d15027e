//! Players for a running match: those nearest to it in rating, for every open place that can be filled now.

use std::sync::Arc;

use super::roles::RoleSets;
use super::round::{MAX_REFUSED, Round, Rules};
use super::teams::{Shape, Span};
use crate::matchmaking::Backfill;
use crate::matchmaking::queue::{PropertyRow, QueueDefinition};
use crate::wire::FieldError;

/// Why a running match may not ask this queue.
pub(super) fn check(queue: &QueueDefinition, regions: &[Arc<str>], backfill: &Backfill) -> Result<(), Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut fault = |path: String, message: String| faults.push(FieldError::new(path, message));
    if !queue.backfill {
        fault("queue".into(), "one whose definition has `backfill`".into());
    }
    match &backfill.region {
        None if !regions.is_empty() => fault("region".into(), format!("one of {}", regions.join(", "))),
        Some(region) if !regions.iter().any(|known| **known == **region) => {
            fault("region".into(), format!("one of {}", regions.join(", ")));
        }
        _ => {}
    }
    if backfill.teams.len() != usize::from(queue.teams.count) {
        fault("teams".into(), format!("{} teams, as the queue has", queue.teams.count));
    }
    for (at, team) in backfill.teams.iter().enumerate() {
        if team.players.len() + usize::from(team.open) > usize::from(queue.teams.size.max) {
            fault(format!("teams[{at}].open"), format!("with its players, at most {}", queue.teams.size.max));
        }
        for (number, player) in team.players.iter().enumerate() {
            let path = |field: &str| format!("teams[{at}].players[{number}].{field}");
            if !(player.rating.points.is_finite() && player.rating.deviation.is_finite()) {
                fault(path("rating"), "a finite number of points".into());
            }
            if player.role.as_ref().is_some_and(|role| queue.roles.iter().all(|known| known.name != *role)) {
                fault(path("role"), "a role of the queue".into());
            }
        }
    }
    if backfill.teams.iter().all(|team| team.open == 0) {
        fault("teams".into(), "at least one open place".into());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

impl Round {
    /// Takes players for a running match and lays them on the table; false when there is nobody.
    pub fn join_match(&mut self, rules: &Rules<'_>, shape: &Shape, regions: &[Arc<str>], backfill: &Backfill) -> bool {
        let region = backfill.region.as_ref().and_then(|name| regions.iter().position(|known| **known == **name));
        let Ok(row) = rules.pairs.filters.row(&backfill.properties) else { return false };
        let there = || backfill.teams.iter().flat_map(|team| &team.players);
        let points = || there().map(|player| player.rating.points);
        let span = Span::over(points());
        let middle = if points().count() == 0 { 0.0 } else { points().sum::<f64>() / points().count() as f64 };

        self.table.clear(shape.teams.count, region);
        let from = self.ratings.partition_point(|rating| *rating < middle);
        let (mut below, mut above) = (from, from);
        let mut refused = 0;
        while backfill.teams.iter().enumerate().any(|(team, wanted)| self.table.players(team) < wanted.open) {
            let distance =
                |place: Option<usize>| place.map_or(f64::INFINITY, |place| (self.ratings[place] - middle).abs());
            let (low, high) = (below.checked_sub(1), (above < self.len()).then_some(above));
            let Some(place) = (if distance(low) <= distance(high) { low.or(high) } else { high }) else { break };
            if Some(place) == low {
                below = place
            } else {
                above = place + 1
            }
            let entry = self.entry(rules, place);
            let fits = !self.taken[place]
                && region.is_none_or(|region| self.regions[place] & 1 << region != 0)
                && span.is_within(self.ratings[place], self.stage(rules, place).width)
                && there().all(|player| !entry.blocks_player(player.player_id) && !entry.has(player.player_id))
                && self.keeps_filters(rules, place, &row)
                && self.table.chosen.iter().all(|other| self.allow(rules, *other as usize, place));
            if !(fits && self.join(rules, shape, backfill, place)) {
                refused += 1;
                if refused == MAX_REFUSED {
                    break;
                }
            }
        }
        for at in 0..self.table.chosen.len() {
            self.take(self.table.chosen[at] as usize);
        }
        !self.table.chosen.is_empty()
    }

    fn keeps_filters(&self, rules: &Rules<'_>, place: usize, there: &PropertyRow) -> bool {
        let own = rules.pairs.row(self.entry(rules, place));
        let dropped = self.stage(rules, place).dropped;
        (0..rules.pairs.filters.len()).all(|filter| {
            let keeps = |a, b| rules.pairs.filters.allows(filter, a, b);
            dropped & 1 << filter != 0 || (keeps(own, there) && keeps(there, own))
        })
    }

    /// Seats a ticket in the weaker of the teams that have room and a role for all of it.
    fn join(&mut self, rules: &Rules<'_>, shape: &Shape, backfill: &Backfill, place: usize) -> bool {
        let entry = self.entry(rules, place);
        let strength = |round: &Self, team: usize| {
            let there: f64 = backfill.teams[team].players.iter().map(|player| player.rating.points).sum();
            there + round.table.strength(team)
        };
        let mut best: Option<usize> = None;
        for (team, wanted) in backfill.teams.iter().enumerate() {
            let room = self.table.players(team) + entry.size <= wanted.open;
            let weaker = best.is_none_or(|best| strength(self, team) < strength(self, best));
            if room && weaker && self.has_open_roles(rules, shape, backfill, team, place) {
                best = Some(team);
            }
        }
        best.is_some_and(|team| {
            self.table.add(place, team, entry);
            true
        })
    }

    fn has_open_roles(&self, rules: &Rules<'_>, shape: &Shape, backfill: &Backfill, team: usize, with: usize) -> bool {
        if shape.composition.is_any() {
            return true;
        }
        let mut roles: RoleSets = RoleSets::new();
        for place in self.table.of(team).chain([with]) {
            roles.extend(self.role_sets(rules, shape, place));
        }
        shape.composition.without(backfill.teams.get(team)).can_do(&roles)
    }
}
