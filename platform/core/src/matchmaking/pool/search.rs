//! A second look at those whom gathering has left. Gathering takes the nearest and never gives a place back, so a player who came
//! alone can take the one place that a party of two needs. Here each choice is tried and taken back, within a bound.

use super::round::{Round, Rules};
use super::teams::{Aim, Shape, Span};

/// Candidates that one search chooses from, the nearest.
const MAX_CANDIDATES: usize = 32;

/// Candidates that one search looks at, each time it does so.
const MAX_STEPS: u32 = 4_096;

/// The same of all searches of a pass.
const MAX_STEPS_OF_PASS: u32 = 16_384;

/// What a search works with. Kept, so that passes do not allocate.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    /// Places of those whom gathering has left, the oldest first.
    left: Vec<u32>,
    /// Places that a search may choose, the nearest first.
    candidates: Vec<u32>,
    /// By candidate, and one more: the sums of players, as a set, that parties from this one on make.
    sums: Vec<u32>,
}

impl Round {
    /// Calls `seated` for each match among those who are left, with the table it is laid on. The oldest are looked at first; when
    /// all are more than the bound allows, half of it goes to others by turns, drawn from the moment.
    pub fn search_all(&mut self, rules: &Rules<'_>, shape: &Shape, now_ms: i64, mut seated: impl FnMut(&Round)) {
        let mut left = std::mem::take(&mut self.desk.left);
        left.clear();
        left.extend(self.oldest_first.iter().filter(|place| !self.taken[**place as usize]));
        let players = |round: &Self, left: &[u32]| -> usize {
            left.iter().map(|place| usize::from(round.entry(rules, *place as usize).size)).sum()
        };
        let smallest = left.iter().map(|place| self.stage(rules, *place as usize).min_team_size).min().unwrap_or(0);
        if players(self, &left) >= usize::from(smallest) * usize::from(shape.teams.count) {
            let mut steps = MAX_STEPS_OF_PASS;
            let mut turned = false;
            for index in 0..left.len() {
                if steps == 0 {
                    break;
                }
                if steps <= MAX_STEPS_OF_PASS / 2 && !std::mem::replace(&mut turned, true) {
                    let others = &mut left[index..];
                    others.rotate_left(mixed(now_ms) as usize % others.len());
                }
                let first = left[index] as usize;
                if !self.taken[first]
                    && self.may_have_roles(rules, shape, first)
                    && self.search(rules, shape, first, &mut steps)
                {
                    self.balance(rules, shape);
                    self.take_table();
                    seated(self);
                }
            }
        }
        self.desk.left = left;
    }

    /// Tries everything for one ticket.
    fn search(&mut self, rules: &Rules<'_>, shape: &Shape, first: usize, steps: &mut u32) -> bool {
        for aim in self.aims(rules, shape, first) {
            if *steps == 0 {
                return false;
            }
            let mut own = MAX_STEPS.min(*steps);
            let granted = own;
            let span = self.list_candidates(rules, first, aim, &mut own);
            self.table.clear(shape.teams.count, aim.region);
            let found = self.may_suffice(rules, shape, first, aim) && self.has_roles(rules, shape, 0, first, None) && {
                self.table.add(first, 0, self.entry(rules, first));
                self.extend(rules, shape, aim, 0, span, &mut own)
            };
            *steps -= granted - own;
            if found {
                return true;
            }
        }
        false
    }

    /// The nearest with whom a ticket could play.
    fn list_candidates(&mut self, rules: &Rules<'_>, first: usize, aim: Aim, steps: &mut u32) -> Span {
        let span = Span::around(self.ratings[first], self.stage(rules, first).width);
        self.table.clear(0, aim.region);
        self.point_cursors(first, aim.region);
        let mut candidates = std::mem::take(&mut self.desk.candidates);
        candidates.clear();
        while candidates.len() < MAX_CANDIDATES && *steps > 0 {
            let Some(place) = self.next_nearest(first, &span) else { break };
            *steps -= 1;
            let fits = self.fits(rules, first, place, aim, &span, None) && self.allow(rules, first, place);
            if fits {
                candidates.push(place as u32);
            }
        }
        let sums = &mut self.desk.sums;
        sums.clear();
        sums.resize(candidates.len() + 1, 1);
        for at in (0..candidates.len()).rev() {
            let size = rules.entries[self.slots[candidates[at] as usize] as usize].size;
            sums[at] = sums[at + 1] | (sums[at + 1] << size) & (u32::MAX >> 15);
        }
        self.desk.candidates = candidates;
        span
    }

    /// Whether there are enough who would do each role.
    fn may_suffice(&self, rules: &Rules<'_>, shape: &Shape, first: usize, aim: Aim) -> bool {
        let places = || self.desk.candidates.iter().map(|place| *place as usize).chain([first]);
        let players: usize = places().map(|place| usize::from(self.entry(rules, place).size)).sum();
        players >= usize::from(aim.size) * usize::from(shape.teams.count)
            && shape.composition.roles().all(|(role, count)| {
                let willing = places().flat_map(|place| self.role_sets(rules, shape, place));
                willing.filter(|roles| roles & role != 0).count() >= usize::from(count) * usize::from(shape.teams.count)
            })
    }

    /// Seats candidates from one on until every team is full, and takes back what leads nowhere.
    fn extend(&mut self, rules: &Rules<'_>, shape: &Shape, aim: Aim, from: usize, span: Span, steps: &mut u32) -> bool {
        if self.is_done(rules, aim, None) {
            return aim.alike.is_none_or(|size| self.is_done(rules, aim, Some(size)));
        }
        for at in from..self.desk.candidates.len() {
            if *steps == 0 || !self.can_fill(aim, at) {
                return false;
            }
            *steps -= 1;
            let place = self.desk.candidates[at] as usize;
            let width = self.stage(rules, place).width;
            let fits = span.holds(self.ratings[place])
                && span.is_within(self.ratings[place], width)
                && self.table.chosen.iter().all(|other| self.allow(rules, *other as usize, place));
            if !fits {
                continue;
            }
            let wider = span.including(self.ratings[place], width);
            for team in 0..usize::from(shape.teams.count) {
                let entry = self.entry(rules, place);
                if self.table.players(team) + entry.size <= aim.size
                    && !self.is_like_an_earlier(shape, aim, team)
                    && self.has_roles(rules, shape, team, place, None)
                {
                    self.table.add(place, team, entry);
                    if self.extend(rules, shape, aim, at + 1, wider, steps) {
                        return true;
                    }
                    self.table.take_back(entry);
                }
            }
        }
        false
    }

    /// Whether parties from a candidate on have sizes that fill every team.
    fn can_fill(&self, aim: Aim, from: usize) -> bool {
        let sums = self.desk.sums[from];
        self.table.sizes().iter().all(|players| sums & 1 << (aim.size - players) != 0)
    }

    /// Whether a ticket in this team would be the same as in one before it.
    fn is_like_an_earlier(&self, shape: &Shape, aim: Aim, team: usize) -> bool {
        let sizes = self.table.sizes();
        let alike = sizes[team] == 0 || (shape.composition.is_any() && aim.alike.is_none());
        alike && sizes[..team].contains(&sizes[team])
    }
}

/// A number of which all bits follow from all bits of the moment (the end of `MurmurHash3`, which is public domain).
fn mixed(now_ms: i64) -> u32 {
    let mut mixed = now_ms as u64;
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    (mixed ^ mixed >> 33) as u32
}
