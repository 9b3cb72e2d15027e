//! Teams of several: around the oldest ticket, those nearest in rating are gathered until every team is full, then the teams are
//! balanced.
//!
//! Gathering is greedy, so it does not try every set of tickets. It tries again where greed most often fails: in every region that
//! the first ticket may play in, with smaller teams where the queue allows, and with those alone who have waited as long. Whom it
//! leaves, `search` looks at once more.

use smallvec::SmallVec;

use super::entry::Entry;
use super::roles::{Composition, RoleSets};
use super::round::{Round, Rules};
use crate::matchmaking::queue::{MAX_REGIONS, Teams};

/// Candidates that one attempt may refuse.
const MAX_REFUSED: usize = 512;

/// Exchanges between teams that balancing makes at most.
const MAX_EXCHANGES: usize = 32;

/// What teams are put together on. Kept, so that passes do not allocate.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Places of the tickets, the one they were gathered around first.
    pub chosen: Vec<u32>,
    /// By ticket: its team.
    pub team_of: Vec<u8>,
    /// By team: its players.
    sizes: Vec<u8>,
    /// By team: the sum of its players' ratings.
    strengths: Vec<f64>,
    cursors: Vec<Cursor>,
    /// The index of the region it is played in.
    pub region: Option<usize>,
}

/// How far the search has come in one class: the next free member on either side.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    class: usize,
    below: Option<u32>,
    above: Option<u32>,
}

/// What a gathering is for.
#[derive(Clone, Copy)]
pub(super) struct Aim {
    pub region: Option<usize>,
    /// Players of each team.
    pub size: u8,
    /// The size of the largest party of each team; none when parties need not be alike.
    pub alike: Option<u8>,
    /// Only those who have come as far in widening as the first ticket.
    patient: bool,
}

/// How far ratings of the chosen reach, and how far they let others reach.
#[derive(Clone, Copy)]
pub(super) struct Span {
    lowest: f64,
    highest: f64,
    from: f64,
    to: f64,
}

/// What a team match looks like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub teams: Teams,
    pub composition: Composition,
    /// Whether parties play against alike first.
    pub alike: bool,
}

impl Shape {
    /// Whether it is one against one.
    pub fn is_duel(&self) -> bool {
        self.teams.count == 2 && self.teams.size.max == 1 && self.composition.is_any()
    }
}

impl Round {
    /// Calls `seated` for each match, with the table it is laid on.
    pub fn gather_all(&mut self, rules: &Rules<'_>, shape: &Shape, mut seated: impl FnMut(&Round)) {
        self.take_stock(rules, shape);
        for index in 0..self.oldest_first.len() {
            let first = self.oldest_first[index] as usize;
            if !self.taken[first] && self.may_have_roles(rules, shape, first) && self.gather(rules, shape, first) {
                self.balance(rules, shape);
                self.take_table();
                seated(self);
            }
        }
    }

    /// Nobody else may have those on the table.
    pub fn take_table(&mut self) {
        for at in 0..self.table.chosen.len() {
            self.take(self.table.chosen[at] as usize);
        }
    }

    /// Tries everything for one ticket.
    fn gather(&mut self, rules: &Rules<'_>, shape: &Shape, first: usize) -> bool {
        self.aims(rules, shape, first).any(|aim| self.attempt(rules, shape, first, aim))
    }

    /// What matches around a ticket may be: large teams first, near regions first, alike parties first.
    pub fn aims(&self, rules: &Rules<'_>, shape: &Shape, first: usize) -> impl Iterator<Item = Aim> + use<> {
        let stage = *self.stage(rules, first);
        let party = self.entry(rules, first).size;
        let regions = self.regions_of(rules, first);
        let may_be_alike = shape.alike;
        // Nobody has come less far than one who has just come.
        let patience: &[bool] = if stage.level == 0 { &[false] } else { &[false, true] };
        let sizes = (stage.min_team_size.max(party)..=shape.teams.size.max).rev();
        sizes.flat_map(move |size| {
            regions.clone().into_iter().flat_map(move |region| {
                patience.iter().flat_map(move |patient| {
                    let alike = (party..=size).filter(move |_| may_be_alike).map(Some);
                    let any = (!stage.alike).then_some(None);
                    alike.chain(any).map(move |alike| Aim { region, size, alike, patient: *patient })
                })
            })
        })
    }

    /// The regions it may play in by now, the nearest first.
    fn regions_of(&self, rules: &Rules<'_>, place: usize) -> SmallVec<[Option<usize>; MAX_REGIONS]> {
        if !rules.regional {
            return SmallVec::from_iter([None]);
        }
        let entry = self.entry(rules, place);
        let set = self.regions[place];
        let mut regions: SmallVec<[Option<usize>; MAX_REGIONS]> =
            (0..MAX_REGIONS).filter(|region| set & 1 << region != 0).map(Some).collect();
        regions.sort_unstable_by_key(|region| region.map(|region| (entry.latency(region), region)));
        regions
    }

    fn attempt(&mut self, rules: &Rules<'_>, shape: &Shape, first: usize, aim: Aim) -> bool {
        self.table.clear(shape.teams.count, aim.region);
        let mut span = Span::around(self.ratings[first], self.stage(rules, first).width);
        if !self.seat(rules, shape, aim, first) {
            return false;
        }
        match aim.alike {
            // First the party that every team has one of, then the rest, none of which is larger.
            Some(alike) => {
                self.fill(rules, shape, first, aim, &mut span, Some(alike))
                    && self.fill(rules, shape, first, aim, &mut span, None)
            }
            None => self.fill(rules, shape, first, aim, &mut span, None),
        }
    }

    /// Seats the nearest who fit, until every team is full; or, when `anchor` is given, until every team has a party of that size.
    fn fill(
        &mut self,
        rules: &Rules<'_>,
        shape: &Shape,
        first: usize,
        aim: Aim,
        span: &mut Span,
        anchor: Option<u8>,
    ) -> bool {
        self.point_cursors(first, aim.region);
        let mut refused = 0;
        while !self.is_done(rules, aim, anchor) {
            let Some(place) = self.next_nearest(first, span) else { return false };
            let fits = self.fits(rules, first, place, aim, span, anchor);
            if fits && self.seat(rules, shape, aim, place) {
                *span = span.including(self.ratings[place], self.stage(rules, place).width);
            } else {
                refused += 1;
                if refused == MAX_REFUSED {
                    return false;
                }
            }
        }
        true
    }

    pub fn is_done(&self, rules: &Rules<'_>, aim: Aim, anchor: Option<u8>) -> bool {
        match anchor {
            Some(size) => (0..self.table.sizes.len()).all(|team| self.has_party(rules, team, size)),
            None => self.table.sizes.iter().all(|players| *players == aim.size),
        }
    }

    fn has_party(&self, rules: &Rules<'_>, team: usize, size: u8) -> bool {
        self.table.of(team).any(|place| self.entry(rules, place).size == size)
    }

    pub fn point_cursors(&mut self, first: usize, region: Option<usize>) {
        self.table.cursors.clear();
        for class in 0..self.free.classes() {
            if region.is_none_or(|region| self.free.key(class).regions & 1 << region != 0) {
                let split = self.free.split(class, first);
                let below = self.free.before(class, split);
                let above = self.free.at_or_after(class, split);
                self.table.cursors.push(Cursor { class, below, above });
            }
        }
    }

    /// The free place nearest to the first ticket that has not been looked at; whoever is out of the chosen's span is passed over.
    pub fn next_nearest(&mut self, first: usize, span: &Span) -> Option<usize> {
        let own = self.ratings[first];
        loop {
            let mut nearest: Option<(f64, usize, bool)> = None;
            for (number, cursor) in self.table.cursors.iter().enumerate() {
                for (index, is_above) in [(cursor.below, false), (cursor.above, true)] {
                    let Some(index) = index else { continue };
                    let distance = (self.ratings[self.free.place(index)] - own).abs();
                    if nearest.is_none_or(|(least, ..)| distance < least) {
                        nearest = Some((distance, number, is_above));
                    }
                }
            }
            let (_, number, is_above) = nearest?;
            let cursor = &mut self.table.cursors[number];
            let index = if is_above { cursor.above? } else { cursor.below? };
            let place = self.free.place(index);
            let rating = self.ratings[place];
            if is_above {
                cursor.above = if rating > span.to { None } else { self.free.at_or_after(cursor.class, index + 1) };
            } else {
                cursor.below = if rating < span.from { None } else { self.free.before(cursor.class, index) };
            }
            if span.holds(rating) && place != first {
                return Some(place);
            }
        }
    }

    pub fn fits(
        &self,
        rules: &Rules<'_>,
        first: usize,
        place: usize,
        aim: Aim,
        span: &Span,
        anchor: Option<u8>,
    ) -> bool {
        let stage = self.stage(rules, place);
        let party = self.entry(rules, place).size;
        let right_size = match (anchor, aim.alike) {
            (Some(size), _) => party == size,
            (None, Some(largest)) => party <= largest,
            (None, None) => !stage.alike,
        };
        right_size
            && stage.min_team_size <= aim.size
            && (!aim.patient || stage.level >= self.stage(rules, first).level)
            && span.is_within(self.ratings[place], stage.width)
            && !self.table.chosen.contains(&(place as u32))
            && self.table.chosen.iter().all(|other| self.allow(rules, *other as usize, place))
    }

    /// Puts a ticket into the fullest team that has room for it, so that large parties find room longest. An alike party goes to a
    /// team that has none yet.
    fn seat(&mut self, rules: &Rules<'_>, shape: &Shape, aim: Aim, place: usize) -> bool {
        let party = self.entry(rules, place).size;
        let mut best: Option<usize> = None;
        for team in 0..self.table.sizes.len() {
            let players = self.table.sizes[team];
            let room = players + party <= aim.size;
            let fuller = best.is_none_or(|best| players > self.table.sizes[best]);
            let first_of_its_size = aim.alike != Some(party)
                || !self.has_party(rules, team, party)
                || (0..self.table.sizes.len()).all(|team| self.has_party(rules, team, party));
            if room && fuller && first_of_its_size && self.has_roles(rules, shape, team, place, None) {
                best = Some(team);
            }
        }
        let Some(team) = best else { return false };
        self.table.add(place, team, self.entry(rules, place));
        true
    }

    /// Whether a team could do all its roles with one more ticket, and without another.
    pub fn has_roles(
        &self,
        rules: &Rules<'_>,
        shape: &Shape,
        team: usize,
        with: usize,
        without: Option<usize>,
    ) -> bool {
        if shape.composition.is_any() {
            return true;
        }
        let places = self.table.of(team).filter(|place| Some(*place) != without).chain([with]);
        let mut roles: RoleSets = RoleSets::new();
        for place in places {
            roles.extend(self.role_sets(rules, shape, place));
        }
        shape.composition.can_do(&roles)
    }

    /// By player of a ticket: the roles the player would do.
    pub fn role_sets<'a>(&self, rules: &Rules<'a>, shape: &Shape, place: usize) -> impl Iterator<Item = u8> + use<'a> {
        self.entry(rules, place).role_sets(shape.composition.all())
    }

    /// Exchanges tickets of the same size between the strongest and the weakest team while that brings them closer.
    pub fn balance(&mut self, rules: &Rules<'_>, shape: &Shape) {
        for _ in 0..MAX_EXCHANGES {
            let (strongest, weakest) = self.table.extremes();
            let gap = self.table.strengths[strongest] - self.table.strengths[weakest];
            let mut best: Option<(f64, usize, usize)> = None;
            for a in (0..self.table.chosen.len()).filter(|at| usize::from(self.table.team_of[*at]) == strongest) {
                for b in (0..self.table.chosen.len()).filter(|at| usize::from(self.table.team_of[*at]) == weakest) {
                    let [(ours, strong), (theirs, weak)] = [a, b].map(|at| {
                        let place = self.table.chosen[at] as usize;
                        (place, self.entry(rules, place))
                    });
                    let moved = strong.strength() - weak.strength();
                    let left = (gap - 2.0 * moved).abs();
                    if strong.size == weak.size
                        && left + 1e-9 < best.map_or(gap, |(least, ..)| least)
                        && self.has_roles(rules, shape, strongest, theirs, Some(ours))
                        && self.has_roles(rules, shape, weakest, ours, Some(theirs))
                    {
                        best = Some((left, a, b));
                    }
                }
            }
            let Some((_, a, b)) = best else { return };
            let moved = self.entry(rules, self.table.chosen[a] as usize).strength()
                - self.entry(rules, self.table.chosen[b] as usize).strength();
            self.table.strengths[strongest] -= moved;
            self.table.strengths[weakest] += moved;
            self.table.team_of.swap(a, b);
        }
    }
}

impl Table {
    pub fn clear(&mut self, teams: u8, region: Option<usize>) {
        self.chosen.clear();
        self.team_of.clear();
        self.sizes.clear();
        self.sizes.resize(teams.into(), 0);
        self.strengths.clear();
        self.strengths.resize(teams.into(), 0.0);
        self.region = region;
    }

    pub fn add(&mut self, place: usize, team: usize, entry: &Entry) {
        self.chosen.push(place as u32);
        self.team_of.push(team as u8);
        self.sizes[team] += entry.size;
        self.strengths[team] += entry.strength();
    }

    /// Takes back the ticket that was added last.
    pub fn take_back(&mut self, entry: &Entry) {
        self.chosen.pop();
        if let Some(team) = self.team_of.pop() {
            self.sizes[usize::from(team)] -= entry.size;
            self.strengths[usize::from(team)] -= entry.strength();
        }
    }

    /// By team: its players.
    pub fn sizes(&self) -> &[u8] {
        &self.sizes
    }

    /// How many players a team has.
    pub fn players(&self, team: usize) -> u8 {
        self.sizes[team]
    }

    /// The sum of the ratings of a team's players.
    pub fn strength(&self, team: usize) -> f64 {
        self.strengths[team]
    }

    /// The tickets of a team.
    pub fn of(&self, team: usize) -> impl Iterator<Item = usize> + '_ {
        let of_team = move |(place, at): (&u32, &u8)| (usize::from(*at) == team).then_some(*place as usize);
        self.chosen.iter().zip(&self.team_of).filter_map(of_team)
    }

    /// The strongest and the weakest team; with one team, itself twice.
    pub fn extremes(&self) -> (usize, usize) {
        let strength = |team: &usize| self.strengths[*team];
        let teams = || 0..self.strengths.len();
        let by_strength = |a: &usize, b: &usize| strength(a).total_cmp(&strength(b));
        (teams().max_by(by_strength).unwrap_or(0), teams().min_by(by_strength).unwrap_or(0))
    }
}

impl Span {
    /// Of those who let anybody in.
    pub fn over(ratings: impl Iterator<Item = f64>) -> Self {
        let (lowest, highest) = ratings.fold((f64::INFINITY, f64::NEG_INFINITY), |(lowest, highest), rating| {
            (rating.min(lowest), rating.max(highest))
        });
        Self { lowest, highest, from: f64::NEG_INFINITY, to: f64::INFINITY }
    }

    pub fn around(rating: f64, width: f64) -> Self {
        Self { lowest: rating, highest: rating, from: rating - width, to: rating + width }
    }

    /// Whether the chosen allow a rating.
    pub fn holds(&self, rating: f64) -> bool {
        self.from <= rating && rating <= self.to
    }

    /// Whether a ticket allows the ratings of the chosen.
    pub fn is_within(&self, rating: f64, width: f64) -> bool {
        self.highest - rating <= width && rating - self.lowest <= width
    }

    /// With one more, who allows others so far away.
    pub fn including(self, rating: f64, width: f64) -> Self {
        Self {
            lowest: self.lowest.min(rating),
            highest: self.highest.max(rating),
            from: self.from.max(rating - width),
            to: self.to.min(rating + width),
        }
    }
}
