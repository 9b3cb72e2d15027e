//! The tickets that wait in one queue, and the pass that proposes matches among them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::QueueDefinition;
use super::neighbours::Neighbours;
use crate::id::{PlayerId, TicketId};
use crate::rating::{Rating, quality, win_probability};
use crate::time::millis;

/// A player's wish to be matched, as the pool sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// Whose.
    pub player_id: PlayerId,
    /// The player's points in the queue's mode.
    pub rating: f64,
    /// How unsure they are, in points.
    pub deviation: f64,
    /// Since when it waits.
    #[serde(with = "millis")]
    pub enqueued_at: DateTime<Utc>,
}

impl Ticket {
    /// How long it has waited; nothing when it comes from a clock that is ahead.
    pub fn waited(&self, now: DateTime<Utc>) -> Duration {
        (now - self.enqueued_at).to_std().unwrap_or_default()
    }

    fn strength(&self) -> Rating {
        Rating { points: self.rating, deviation: self.deviation }
    }

    fn by_rating(&self) -> ByRating {
        // Adding nothing makes one zero of the two, which sort apart but are the same rating.
        ByRating { rating: self.rating + 0.0, enqueued_at: self.enqueued_at, ticket_id: self.ticket_id }
    }
}

/// Tickets that could play each other, until somebody claims them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Two, the older first.
    pub tickets: Vec<Ticket>,
    /// How even it would be: 0 to 1.
    pub quality: f64,
    /// How likely the first ticket's player is to win: 0 to 1.
    pub win_probability: f64,
}

/// The tickets that wait in one queue. At most one for each player.
#[derive(Debug, Clone)]
pub struct Pool {
    definition: QueueDefinition,
    by_rating: BTreeMap<ByRating, Ticket>,
    by_age: BTreeSet<(DateTime<Utc>, TicketId)>,
    keys: HashMap<TicketId, ByRating>,
    of_player: HashMap<PlayerId, TicketId>,
    scratch: Scratch,
}

/// Sorts by rating; those of the same rating by age.
#[derive(Debug, Clone, Copy)]
struct ByRating {
    rating: f64,
    enqueued_at: DateTime<Utc>,
    ticket_id: TicketId,
}

impl Ord for ByRating {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = || (self.enqueued_at, self.ticket_id).cmp(&(other.enqueued_at, other.ticket_id));
        self.rating.total_cmp(&other.rating).then_with(rest)
    }
}

impl PartialOrd for ByRating {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByRating {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByRating {}

/// What a pass works with; kept, so that passes do not allocate.
#[derive(Debug, Clone, Default)]
struct Scratch {
    /// In order of rating: a ticket's place is its index here.
    places: Vec<ByRating>,
    level_of: Vec<u32>,
    /// The first place with the same rating.
    group_of: Vec<u32>,
    taken: Vec<bool>,
    /// Places, oldest ticket first.
    oldest_first: Vec<u32>,
    /// By level: the difference in points it allows.
    widths: Vec<f64>,
    neighbours: Neighbours,
    pairs: Vec<(ByRating, ByRating)>,
}

impl Pool {
    /// An empty pool of a queue.
    pub fn new(definition: QueueDefinition) -> Self {
        Self {
            definition,
            by_rating: BTreeMap::new(),
            by_age: BTreeSet::new(),
            keys: HashMap::new(),
            of_player: HashMap::new(),
            scratch: Scratch::default(),
        }
    }

    /// The queue it serves.
    pub fn definition(&self) -> &QueueDefinition {
        &self.definition
    }

    /// Adds a ticket. A player has one live ticket, so it takes the place of an earlier one of the same player or id.
    pub fn insert(&mut self, ticket: Ticket) {
        self.remove(ticket.ticket_id);
        if let Some(earlier) = self.of_player.get(&ticket.player_id).copied() {
            self.remove(earlier);
        }
        let key = ticket.by_rating();
        self.by_age.insert((ticket.enqueued_at, ticket.ticket_id));
        self.keys.insert(ticket.ticket_id, key);
        self.of_player.insert(ticket.player_id, ticket.ticket_id);
        self.by_rating.insert(key, ticket);
    }

    /// Takes a ticket out; none when it is not here.
    pub fn remove(&mut self, ticket_id: TicketId) -> Option<Ticket> {
        let key = self.keys.remove(&ticket_id)?;
        self.by_age.remove(&(key.enqueued_at, ticket_id));
        let ticket = self.by_rating.remove(&key)?;
        self.of_player.remove(&ticket.player_id);
        Some(ticket)
    }

    /// Whether the ticket waits here.
    pub fn contains(&self, ticket_id: TicketId) -> bool {
        self.keys.contains_key(&ticket_id)
    }

    /// How many tickets wait.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Every ticket, oldest first.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.by_age.iter().filter_map(|(_, ticket_id)| self.by_rating.get(self.keys.get(ticket_id)?))
    }

    /// How long the oldest ticket has waited; none when nobody waits.
    pub fn oldest(&self, now: DateTime<Utc>) -> Option<Duration> {
        self.tickets().next().map(|ticket| ticket.waited(now))
    }

    /// The tickets that have waited as long as the queue allows, oldest first. They stay until they are removed.
    pub fn expired(&self, now: DateTime<Utc>) -> Vec<Ticket> {
        match self.definition.max_wait() {
            Some(max_wait) => self.tickets().take_while(|ticket| ticket.waited(now) >= max_wait).cloned().collect(),
            None => Vec::new(),
        }
    }

    /// Takes every ticket out.
    pub fn clear(&mut self) {
        self.by_rating.clear();
        self.by_age.clear();
        self.keys.clear();
        self.of_player.clear();
    }

    /// Proposes matches: the oldest ticket first, each with the nearest rating whose window and its own both allow the difference
    /// at this moment. Same tickets and same time, same proposals.
    ///
    /// Proposed tickets leave the pool. Insert again those that turn out not to be claimed but still wait. Proposals are added to
    /// the end of `proposals`. A ticket whose rating is not a finite number is never matched.
    pub fn pass(&mut self, now: DateTime<Utc>, proposals: &mut Vec<Proposal>) {
        if self.len() < 2 {
            return;
        }
        self.scratch.prepare(&self.definition, &self.by_rating, now);
        self.scratch.pair_up();
        let pairs = std::mem::take(&mut self.scratch.pairs);
        for (older, younger) in &pairs {
            let tickets: Vec<Ticket> =
                [older, younger].into_iter().filter_map(|key| self.remove(key.ticket_id)).collect();
            if let [first, second] = tickets.as_slice() {
                let win_probability = win_probability(first.strength(), second.strength());
                proposals.push(Proposal { quality: quality(win_probability), win_probability, tickets });
            }
        }
        self.scratch.pairs = pairs;
    }
}

impl Scratch {
    fn prepare(&mut self, queue: &QueueDefinition, by_rating: &BTreeMap<ByRating, Ticket>, now: DateTime<Utc>) {
        let window = &queue.rating_window;
        self.widths.clear();
        self.widths.extend((0..=window.steps.len()).map(|level| window.width(level)));
        self.places.clear();
        self.places.extend(by_rating.keys());
        self.level_of.clear();
        self.level_of.extend(self.places.iter().map(|place| {
            let waited = (now - place.enqueued_at).to_std().unwrap_or_default();
            window.level(waited) as u32
        }));
        self.group_of.clear();
        for place in 0..self.places.len() {
            let same = place > 0 && self.places[place - 1].rating == self.places[place].rating;
            self.group_of.push(if same { self.group_of[place - 1] } else { place as u32 });
        }
        self.taken.clear();
        self.taken.resize(self.places.len(), false);
        self.oldest_first.clear();
        self.oldest_first.extend(0..self.places.len() as u32);
        let places = &self.places;
        self.oldest_first.sort_unstable_by_key(|place| {
            let place = &places[*place as usize];
            (place.enqueued_at, place.ticket_id)
        });
        self.neighbours.reset(&self.level_of, self.widths.len());
        self.pairs.clear();
    }

    fn pair_up(&mut self) {
        for index in 0..self.oldest_first.len() {
            let place = self.oldest_first[index] as usize;
            if self.taken[place] {
                continue;
            }
            if let Some(other) = self.nearest(place) {
                for taken in [place, other] {
                    self.taken[taken] = true;
                    self.neighbours.take(self.level_of[taken] as usize, taken);
                }
                self.pairs.push((self.places[place], self.places[other]));
            }
        }
    }

    /// All tickets of a level allow the same difference, so that the nearest of each level on each side are all that count.
    /// Of two at the same distance, the older.
    fn nearest(&mut self, place: usize) -> Option<usize> {
        let own = self.places[place];
        let own_width = self.widths[self.level_of[place] as usize];
        let mut best: Option<(f64, usize)> = None;
        for level in 0..self.widths.len() {
            let width = own_width.min(self.widths[level]);
            for other in
                [self.oldest_below(level, place), self.neighbours.at_or_after(level, place + 1)].into_iter().flatten()
            {
                let distance = (self.places[other].rating - own.rating).abs();
                let age = |at: usize| (self.places[at].enqueued_at, self.places[at].ticket_id);
                let better =
                    best.is_none_or(|(least, at)| distance < least || (distance == least && age(other) < age(at)));
                // Infinity minus infinity is no number, and an infinite rating is within a window of any: neither counts.
                if distance.is_finite() && distance <= width && better {
                    best = Some((distance, other));
                }
            }
        }
        best.map(|(_, other)| other)
    }

    /// The nearest below has the highest rating; of those who share it, the first place is the oldest ticket. Above, the nearest
    /// place is that by itself.
    fn oldest_below(&mut self, level: usize, place: usize) -> Option<usize> {
        let nearest = self.neighbours.before(level, place)?;
        let group = self.group_of[nearest] as usize;
        self.neighbours.at_or_after(level, group)
    }
}
