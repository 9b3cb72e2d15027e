//! Players for a running match: those nearest to it in rating, for every open place that can be filled now.
//!
//! The rules of the queue hold between each newcomer and everybody there, as between two tickets. The match has waited since it
//! asked, so it gives up as much as a ticket of that age. It has no rating window of its own: those who are there may be far apart.

use super::roles::RoleSets;
use super::round::{MAX_REFUSED, Round, Rules};
use super::stages::Stage;
use super::teams::{Shape, Span};
use super::wish::Wish;
use crate::matchmaking::Backfill;

impl Round {
    /// Takes players for a running match and lays them on the table; false when there is nobody.
    pub fn join_match(&mut self, rules: &Rules<'_>, shape: &Shape, wish: &Wish, now_ms: i64) -> bool {
        let teams = &wish.backfill.teams;
        let stage = rules.stages.of(now_ms - wish.requested_ms());
        let mut span = Span::over(wish.points());
        self.table.clear(shape.teams.count, wish.region);
        let from = self.ratings.partition_point(|rating| *rating < wish.middle);
        let (mut below, mut above) = (from, from);
        let mut refused = 0;
        while teams.iter().enumerate().any(|(team, wanted)| self.table.players(team) < wanted.open) {
            let distance =
                |place: Option<usize>| place.map_or(f64::INFINITY, |place| (self.ratings[place] - wish.middle).abs());
            let (low, high) = (below.checked_sub(1), (above < self.len()).then_some(above));
            let Some(place) = (if distance(low) <= distance(high) { low.or(high) } else { high }) else { break };
            if Some(place) == low {
                below = place
            } else {
                above = place + 1
            }
            if self.may_join(rules, wish, stage, &span, place) && self.join(rules, shape, &wish.backfill, place) {
                span = span.including(self.ratings[place], self.stage(rules, place).width);
            } else {
                refused += 1;
                if refused == MAX_REFUSED {
                    break;
                }
            }
        }
        self.take_table();
        !self.table.chosen.is_empty()
    }

    /// Whether no rule speaks against a ticket, between it and who is there, and between it and the newcomers so far. `span` is of
    /// them all.
    fn may_join(&self, rules: &Rules<'_>, wish: &Wish, stage: &Stage, span: &Span, place: usize) -> bool {
        let (entry, own) = (self.entry(rules, place), self.stage(rules, place));
        !self.taken[place]
            && wish.region.is_none_or(|region| self.regions[place] & 1 << region != 0)
            // Nobody knows who is there as a party.
            && !own.alike
            && span.holds(self.ratings[place])
            && span.is_within(self.ratings[place], own.width)
            && !wish.has_one_of(entry)
            && rules.pairs.allow_joining((wish, stage), (entry, own))
            && self.table.chosen.iter().all(|other| self.allow(rules, *other as usize, place))
    }

    /// Seats a ticket in the weaker of the teams that have room and a role for all of it.
    fn join(&mut self, rules: &Rules<'_>, shape: &Shape, backfill: &Backfill, place: usize) -> bool {
        let entry = self.entry(rules, place);
        let mut best: Option<usize> = None;
        for (team, wanted) in backfill.teams.iter().enumerate() {
            let room = self.table.players(team) + entry.size <= wanted.open;
            let weaker = best.is_none_or(|best| self.strength(backfill, team) < self.strength(backfill, best));
            if room && weaker && self.has_open_roles(rules, shape, backfill, team, place) {
                best = Some(team);
            }
        }
        best.is_some_and(|team| {
            self.table.add(place, team, entry);
            true
        })
    }

    /// The sum of the ratings of a team's players: those who are there, and the newcomers on the table.
    pub fn strength(&self, backfill: &Backfill, team: usize) -> f64 {
        let there: f64 = backfill.teams[team].players.iter().map(|player| player.rating.points).sum();
        there + self.table.strength(team)
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
