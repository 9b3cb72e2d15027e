//! The tickets that wait in one shard of a queue, and the pass that proposes matches among them.
//!
//! - `entry`: a ticket as the pool has it; `wish`: a running match that asks for players
//! - `order`: who is oldest, who is next in rating, kept from pass to pass
//! - `stages`: what a wait has brought; `rules`: what has to hold between two tickets
//! - `round`: one pass; `free`: who is free in it; `duel`, `teams`, `backfill`: the three forms of a match; `search`: a second look
//!   for teams; `supply`: who would do what
//! - `closed`: regions in which nobody plays for now
//! - `propose`: from places to a proposal; `explain`, `histogram`: for staff

mod backfill;
mod closed;
mod duel;
mod entry;
mod explain;
mod free;
mod histogram;
mod order;
mod propose;
mod roles;
mod round;
mod rules;
mod search;
mod stages;
mod supply;
mod teams;
mod wish;

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::queue::{Filters, InvalidQueue, QueueDefinition, Region};
use super::{Backfill, Proposal, Ticket};
use crate::id::{BackfillId, PlayerId, TicketId};
use crate::wire::FieldError;
use entry::{Entry, Names};
use order::{Order, sortable};
use roles::Composition;
use round::{Round, Rules};
use rules::PairRules;
use stages::Stages;
use teams::Shape;
use wish::Wish;

pub use histogram::{Bucket, Histogram};

/// Returned tickets go before all that came before this many milliseconds later.
const RETURNED_FIRST_MS: i64 = 1 << 50;

/// Wishes for more players that a pool holds at most.
const MAX_BACKFILLS: usize = 10_000;

/// The tickets that wait in one shard of a queue: one group of its regions. At most one for each player.
#[derive(Debug, Clone)]
pub struct Pool {
    definition: Arc<QueueDefinition>,
    regions: Vec<Arc<str>>,
    /// The regions, as a set, in which nobody plays for now.
    closed: u16,
    role_names: Vec<Arc<str>>,
    stages: Stages,
    shape: Shape,
    pairs: PairRules,
    entries: Vec<Entry>,
    vacant: Vec<u32>,
    by_ticket: HashTable<u32>,
    by_player: HashTable<(PlayerId, u32)>,
    by_rating: Order,
    by_age: Order,
    wishes: Vec<Wish>,
    players: usize,
    held: usize,
    stamps: u32,
    some_left: bool,
    round: Round,
}

/// How many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolCounts {
    /// Tickets, those held too.
    pub tickets: usize,
    /// Their players.
    pub players: usize,
    /// Of the tickets, those that are proposed and neither removed nor put back.
    pub held_tickets: usize,
    /// How long the oldest ticket that is not held has waited; none when nobody waits.
    pub oldest: Option<Duration>,
}

impl Pool {
    /// An empty pool for one group of a queue's regions.
    ///
    /// # Errors
    /// What makes no sense in the definition.
    pub fn new(definition: QueueDefinition, group: &str) -> Result<Self, InvalidQueue> {
        definition.validate()?;
        let filters = Filters::compile(&definition).map_err(InvalidQueue)?;
        let regions: Vec<&Region> = definition.regions.iter().filter(|region| region.group == group).collect();
        Ok(Self {
            stages: Stages::new(&definition, &regions),
            regions: regions.iter().map(|region| Arc::from(region.name.as_str())).collect(),
            closed: 0,
            role_names: definition.roles.iter().map(|role| Arc::from(role.name.as_str())).collect(),
            shape: Shape {
                teams: definition.teams,
                composition: Composition::new(&definition.roles),
                alike: definition.party.alike_first_secs.is_some(),
            },
            pairs: PairRules::new(filters),
            definition: Arc::new(definition),
            entries: Vec::new(),
            vacant: Vec::new(),
            by_ticket: HashTable::new(),
            by_player: HashTable::new(),
            by_rating: Order::default(),
            by_age: Order::default(),
            wishes: Vec::new(),
            players: 0,
            held: 0,
            stamps: 0,
            some_left: false,
            round: Round::default(),
        })
    }

    /// The queue it serves.
    pub fn definition(&self) -> &Arc<QueueDefinition> {
        &self.definition
    }

    /// Adds a ticket. A player has one live ticket, so it takes the place of earlier ones of the same players or id.
    ///
    /// # Errors
    /// Why the ticket does not fit this queue, or this group of its regions; the pool is as it was.
    pub fn insert(&mut self, ticket: &Ticket) -> Result<(), Vec<FieldError>> {
        self.definition.admits(ticket)?;
        let row = self.pairs.filters.row(&ticket.properties)?;
        self.remove(ticket.ticket_id);
        for player in ticket.players() {
            if let Some(earlier) = self.slot_of_player(player) {
                self.remove(self.entries[earlier as usize].ticket_id);
            }
        }
        let names =
            Names { definition: &self.definition, regions: &self.regions, all_roles: self.shape.composition.all() };
        let stamp = self.stamps;
        let Some(entry) = Entry::new(ticket, row, &names, stamp) else {
            return Err(vec![FieldError::new("players", "at least one")]);
        };
        if !self.regions.is_empty() && (0..self.regions.len()).all(|region| !entry.reaches(region)) {
            let allowed = self.regions.join(", ");
            return Err(vec![FieldError::new("latencies_ms", format!("at least one of {allowed}, or none at all"))]);
        }
        self.stamps = stamp.wrapping_add(1);
        self.add(entry);
        Ok(())
    }

    fn add(&mut self, entry: Entry) {
        let stamp = entry.stamp;
        let age_key = if entry.returned { entry.enqueued_ms - RETURNED_FIRST_MS } else { entry.enqueued_ms };
        let points = entry.points;
        self.players += usize::from(entry.size);
        let slot = match self.vacant.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        let entries = &self.entries;
        let entry = &entries[slot as usize];
        let ticket_hash = |slot: &u32| hash(entries[*slot as usize].ticket_id);
        self.by_ticket.insert_unique(hash(entry.ticket_id), slot, ticket_hash);
        for (player, _) in entry.players() {
            self.by_player.insert_unique(hash(player), (player, slot), |(player, _)| hash(player));
        }
        self.by_rating.add(sortable(points), slot, stamp);
        self.by_age.add(age_key, slot, stamp);
    }

    /// Takes a ticket out, held or not; false when it is not here.
    pub fn remove(&mut self, ticket_id: TicketId) -> bool {
        let entries = &self.entries;
        let found = self.by_ticket.find_entry(hash(ticket_id), |slot| entries[*slot as usize].ticket_id == ticket_id);
        let Ok(found) = found else { return false };
        let (slot, _) = found.remove();
        for (player, _) in entries[slot as usize].players() {
            if let Ok(found) = self.by_player.find_entry(hash(player), |(other, _)| *other == player) {
                found.remove();
            }
        }
        let entry = &mut self.entries[slot as usize];
        self.players -= usize::from(entry.size);
        self.held -= usize::from(entry.held);
        // A vacant slot says that it is nobody's: what orders still know of it is dropped by the next pass.
        entry.vacate();
        self.vacant.push(slot);
        self.some_left = true;
        true
    }

    /// A proposed ticket waits again; false when it is not here, or was not held.
    pub fn put_back(&mut self, ticket_id: TicketId) -> bool {
        let Some(slot) = self.slot_of(ticket_id) else { return false };
        let was_held = std::mem::take(&mut self.entries[slot as usize].held);
        self.held -= usize::from(was_held);
        was_held
    }

    /// Adds a running match's wish for players, in place of an earlier one of the same id or match.
    ///
    /// # Errors
    /// Why it does not fit this queue.
    pub fn insert_backfill(&mut self, backfill: &Backfill) -> Result<(), Vec<FieldError>> {
        let wish = Wish::new(&self.definition, &self.regions, &self.pairs.filters, backfill)?;
        self.wishes.retain(|Wish { backfill: other, .. }| {
            other.backfill_id != backfill.backfill_id && other.match_id != backfill.match_id
        });
        if self.wishes.len() == MAX_BACKFILLS {
            return Err(vec![FieldError::new("match_id", format!("at most {MAX_BACKFILLS} matches ask at once"))]);
        }
        let at = self.wishes.partition_point(|other| other.age() < wish.age());
        self.wishes.insert(at, wish);
        Ok(())
    }

    /// Takes a running match's wish out; false when it is not here.
    pub fn remove_backfill(&mut self, backfill_id: BackfillId) -> bool {
        let before = self.wishes.len();
        self.wishes.retain(|wish| wish.backfill.backfill_id != backfill_id);
        self.wishes.len() < before
    }

    /// Whether the ticket waits here, held or not.
    pub fn contains(&self, ticket_id: TicketId) -> bool {
        self.slot_of(ticket_id).is_some()
    }

    /// How many tickets wait, those held too.
    pub fn len(&self) -> usize {
        self.by_ticket.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }

    /// Takes every ticket and every wish out.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.vacant.clear();
        self.by_ticket.clear();
        self.by_player.clear();
        self.by_rating.clear();
        self.by_age.clear();
        self.wishes.clear();
        (self.players, self.held, self.some_left) = (0, 0, false);
    }

    /// How many wait.
    pub fn counts(&self, now: DateTime<Utc>) -> PoolCounts {
        let oldest = self.here().filter(|entry| !entry.held).map(|entry| entry.enqueued_ms).min();
        PoolCounts {
            tickets: self.len(),
            players: self.players,
            held_tickets: self.held,
            oldest: oldest.map(|enqueued_ms| waited(now, enqueued_ms)),
        }
    }

    /// The tickets that have waited as long as the queue allows, oldest first, but for those held. They stay until they are
    /// removed.
    pub fn expired(&self, now: DateTime<Utc>) -> Vec<TicketId> {
        let Some(max_wait) = self.definition.max_wait() else { return Vec::new() };
        let late = |entry: &&Entry| !entry.held && waited(now, entry.enqueued_ms) >= max_wait;
        let mut expired: Vec<_> = self.here().filter(late).map(|entry| (entry.enqueued_ms, entry.ticket_id)).collect();
        expired.sort_unstable();
        expired.into_iter().map(|(_, ticket_id)| ticket_id).collect()
    }

    /// Proposes matches, at the end of `proposals`: for running matches that want players first, then for the oldest ticket, then
    /// for the next. Each is made of those nearest in rating for whom every rule holds both ways at this moment, with each other and
    /// with the players of the running match, its teams balanced. Same tickets and same time, same proposals.
    ///
    /// Proposed tickets stay in the pool, held, so that no later pass proposes them: remove those that are claimed, put back those
    /// that are not. A wish for players that is fulfilled, even in part, is taken out.
    pub fn pass(&mut self, now: DateTime<Utc>, proposals: &mut Vec<Proposal>) {
        if self.is_empty() {
            return;
        }
        self.begin_round(now);
        let first_new = proposals.len();
        let rules = Rules {
            entries: &self.entries,
            pairs: &self.pairs,
            stages: &self.stages,
            regional: !self.regions.is_empty(),
        };
        let scribe =
            propose::Scribe { rules, shape: &self.shape, regions: &self.regions, role_names: &self.role_names };
        let round = &mut self.round;
        self.wishes.retain(|wish| match round.join_match(&rules, &self.shape, wish, now.timestamp_millis()) {
            true => {
                proposals.push(scribe.joined(round, &wish.backfill));
                false
            }
            false => true,
        });
        if self.shape.is_duel() {
            let mut pairs = std::mem::take(&mut round.pairs);
            round.pair_up(&rules, &mut pairs);
            proposals.extend(pairs.iter().map(|pair| scribe.duel(round, *pair)));
            round.pairs = pairs;
        } else {
            let mut seated = |round: &Round| proposals.push(scribe.seated(round));
            round.gather_all(&rules, &self.shape, &mut seated);
            round.search_all(&rules, &self.shape, now.timestamp_millis(), &mut seated);
        }
        for ticket in proposals[first_new..].iter().flat_map(|proposal| &proposal.tickets) {
            if let Some(slot) = self.slot_of(ticket.ticket_id) {
                self.entries[slot as usize].held = true;
                self.held += 1;
            }
        }
    }

    /// Brings the orders up to date and looks at who waits.
    fn begin_round(&mut self, now: DateTime<Utc>) {
        let entries = &self.entries;
        let is_here = |place: &order::Ordered| {
            let entry = &entries[place.slot as usize];
            entry.stamp == place.stamp && !entry.is_vacant()
        };
        let age = |a: u32, b: u32| entries[a as usize].age().cmp(&entries[b as usize].age());
        self.by_rating.refresh(self.some_left, is_here, age);
        self.by_age.refresh(self.some_left, is_here, age);
        self.some_left = false;
        let orders = (self.by_rating.sorted(), self.by_age.sorted());
        let rules = Rules { entries, pairs: &self.pairs, stages: &self.stages, regional: !self.regions.is_empty() };
        self.round.begin(&rules, orders, (self.regions.len(), self.closed), now.timestamp_millis());
    }

    fn slot_of(&self, ticket_id: TicketId) -> Option<u32> {
        self.by_ticket.find(hash(ticket_id), |slot| self.entries[*slot as usize].ticket_id == ticket_id).copied()
    }

    fn slot_of_player(&self, player: PlayerId) -> Option<u32> {
        self.by_player.find(hash(player), |(other, _)| *other == player).map(|(_, slot)| *slot)
    }

    /// All that wait, in no order that means anything.
    fn here(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_vacant())
    }
}

fn waited(now: DateTime<Utc>, enqueued_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now.timestamp_millis() - enqueued_ms).unwrap_or(0))
}

/// The same in every process: which tickets match must not depend on a random state.
fn hash(value: impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}
