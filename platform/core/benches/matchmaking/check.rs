//! A naive reading of a queue's rules: every match of a pass, every pair of its tickets, every player.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::TicketId;
use muster_core::matchmaking::{Place, Proposal, QueueDefinition, Ticket};

/// What a pass made of a pool.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The tickets that waited.
    pub tickets: usize,
    /// Their players.
    pub players: usize,
    /// The matches.
    pub matches: usize,
    /// Their players.
    pub matched_players: usize,
    /// The sum of the matches' qualities.
    pub quality: f64,
    /// How long the first pass over the pool took, where it was measured.
    pub first_pass: Option<Duration>,
    /// Each broken rule in words; there is to be none.
    pub violations: Vec<String>,
}

impl Facts {
    /// The mean quality of the matches; none without any.
    pub fn mean_quality(&self) -> Option<f64> {
        (self.matches > 0).then(|| self.quality / self.matches as f64)
    }

    /// Counts the matches of another pass too.
    pub fn add(&mut self, other: Facts) {
        self.matches += other.matches;
        self.matched_players += other.matched_players;
        self.quality += other.quality;
        self.violations.extend(other.violations);
    }
}

/// Checks what a pass at `now` proposed for these tickets.
pub fn check(queue: &QueueDefinition, tickets: &[Ticket], now: DateTime<Utc>, proposals: &[Proposal]) -> Facts {
    let known: HashMap<TicketId, &Ticket> = tickets.iter().map(|ticket| (ticket.ticket_id, ticket)).collect();
    let mut facts = Facts {
        tickets: tickets.len(),
        players: tickets.iter().map(|ticket| ticket.members.len()).sum(),
        matches: proposals.len(),
        ..Facts::default()
    };
    let mut taken = BTreeSet::new();
    for proposal in proposals {
        facts.matched_players += proposal.places.len();
        facts.quality += proposal.quality;
        let mut own = Vec::new();
        for proposed in &proposal.tickets {
            match known.get(&proposed.ticket_id) {
                _ if !taken.insert(proposed.ticket_id) => {
                    facts.violations.push(format!("{} is in two matches", proposed.ticket_id));
                }
                Some(ticket) => own.push(*ticket),
                None => facts.violations.push(format!("{} does not wait", proposed.ticket_id)),
            }
        }
        let rules = Match { queue, now, proposal, tickets: own };
        facts.violations.extend(rules.broken());
    }
    facts
}

struct Match<'a> {
    queue: &'a QueueDefinition,
    now: DateTime<Utc>,
    proposal: &'a Proposal,
    tickets: Vec<&'a Ticket>,
}

impl Match<'_> {
    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        self.players(&mut broken);
        self.teams(&mut broken);
        self.ratings(&mut broken);
        self.region(&mut broken);
        let quality = 1.0 - (2.0 * self.proposal.win_probability - 1.0).abs();
        if (self.proposal.quality - quality).abs() > 1e-9 || !(0.0..=1.0).contains(&self.proposal.quality) {
            broken.push(format!("a quality of {} instead of {quality}", self.proposal.quality));
        }
        broken
    }

    /// The players of the tickets are those of the places, each once, and a party is in one team.
    fn players(&self, broken: &mut Vec<String>) {
        let wanted: BTreeSet<_> =
            self.tickets.iter().flat_map(|ticket| ticket.players().map(|player| (ticket.ticket_id, player))).collect();
        let placed: BTreeSet<_> = self.proposal.places.iter().map(|place| (place.ticket_id, place.player_id)).collect();
        if wanted != placed || placed.len() != self.proposal.places.len() {
            broken.push("the players of the places are not those of the tickets".to_owned());
        }
        for ticket in &self.tickets {
            let teams: BTreeSet<u8> = self.places_of(ticket).map(|place| place.team).collect();
            if teams.len() > 1 {
                broken.push(format!("the party of {} is torn apart", ticket.ticket_id));
            }
            if ticket.members.len() > usize::from(self.queue.max_party()) {
                broken.push(format!("the party of {} is too large", ticket.ticket_id));
            }
        }
    }

    /// As many teams as there should be, all of one size, with the roles they should have, played by who would play them.
    fn teams(&self, broken: &mut Vec<String>) {
        let mut sizes: BTreeMap<u8, u8> = (0..self.queue.teams.count).map(|team| (team, 0)).collect();
        let mut roles: BTreeMap<(u8, &str), u8> = BTreeMap::new();
        for place in &self.proposal.places {
            *sizes.entry(place.team).or_default() += 1;
            if let Some(role) = &place.role {
                *roles.entry((place.team, role)).or_default() += 1;
            }
            let member = self.tickets.iter().flat_map(|ticket| &ticket.members);
            let member = member.into_iter().find(|member| member.player_id == place.player_id);
            let would = member.is_some_and(|member| match &place.role {
                Some(role) => member.roles.is_empty() || member.roles.iter().any(|name| **name == **role),
                None => self.queue.roles.is_empty(),
            });
            if !would {
                broken.push(format!("{} plays {:?}, which it would not", place.player_id, place.role));
            }
        }
        let size = self.queue.teams.size;
        let distinct: BTreeSet<u8> = sizes.values().copied().collect();
        let fits = distinct.iter().all(|players| (size.min..=size.max).contains(players));
        if sizes.len() != usize::from(self.queue.teams.count) || distinct.len() != 1 || !fits {
            broken.push(format!("teams of {sizes:?}"));
        }
        let composed = self.queue.roles.iter().all(|role| {
            (0..self.queue.teams.count).all(|team| roles.get(&(team, role.name.as_str())) == Some(&role.count))
        });
        if !composed {
            broken.push(format!("roles of {roles:?}"));
        }
    }

    /// Any two tickets are as near as either allows by now. These queues count a party's average.
    fn ratings(&self, broken: &mut Vec<String>) {
        let rating = |ticket: &Ticket| {
            let points: f64 = ticket.members.iter().map(|member| member.rating.points).sum();
            points / ticket.members.len() as f64
        };
        for (index, one) in self.tickets.iter().enumerate() {
            for other in &self.tickets[index + 1..] {
                let apart = (rating(one) - rating(other)).abs();
                let allowed = [one, other].map(|ticket| self.queue.rating_window.after(ticket.waited(self.now)));
                if allowed.iter().any(|window| apart > *window) {
                    broken.push(format!("{apart} points apart, where {allowed:?} are allowed"));
                }
            }
        }
    }

    /// The match is played where every ticket may play by now.
    fn region(&self, broken: &mut Vec<String>) {
        let Some(name) = &self.proposal.region else {
            if !self.queue.regions.is_empty() {
                broken.push("played nowhere".to_owned());
            }
            return;
        };
        let Some(region) = self.queue.regions.iter().find(|region| region.name == **name) else {
            broken.push(format!("played in {name}, which the queue does not have"));
            return;
        };
        for ticket in self.tickets.iter().filter(|ticket| !ticket.latencies_ms.is_empty()) {
            let bound = region.latency.as_ref().and_then(|bound| bound.after(ticket.waited(self.now)));
            let latency = ticket.latencies_ms.get(&region.name);
            if latency.is_none_or(|latency| bound.is_some_and(|bound| *latency > bound)) {
                broken.push(format!("{} plays in {name}, {latency:?} ms away", ticket.ticket_id));
            }
        }
    }

    fn places_of<'a>(&'a self, ticket: &'a Ticket) -> impl Iterator<Item = &'a Place> {
        self.proposal.places.iter().filter(|place| place.ticket_id == ticket.ticket_id)
    }
}
