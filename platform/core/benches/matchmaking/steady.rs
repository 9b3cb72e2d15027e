//! A pool in the middle of a busy evening: 1,000 tickets a second come, and matches take them away.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use muster_core::id::TicketId;
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, Ticket};

use crate::check::{Facts, check};
use crate::queues::MAX_WAIT_SECS;
use crate::tickets::{Shape, Tickets};
use crate::warm::TICK;

/// How many tickets come between two passes: 1,000 a second.
const ARRIVALS: usize = 100;
/// How many ticks pass before any is measured: longer than a ticket may wait, so that as many leave as come.
const SETTLING: usize = MAX_WAIT_SECS as usize * 10 + 100;
/// How many ticks are checked after that.
const CHECKED: usize = 100;

/// The pool and its arrivals.
pub struct Steady {
    pool: Pool,
    tickets: Tickets,
    now: DateTime<Utc>,
    arrivals: Vec<Ticket>,
    proposals: Vec<Proposal>,
}

impl Steady {
    /// A pool that has been busy for longer than anybody waits.
    pub fn new(queue: QueueDefinition, tickets: Tickets) -> Self {
        let queue = QueueDefinition { max_wait_secs: Some(MAX_WAIT_SECS), ..queue };
        let mut steady = Self {
            pool: Pool::new(queue, "all").expect("a sound queue"),
            tickets,
            now: Tickets::now(),
            arrivals: Vec::with_capacity(ARRIVALS),
            proposals: Vec::new(),
        };
        for _ in 0..SETTLING {
            steady.tick();
        }
        steady
    }

    /// What the engine does in one tick: 100 inserts, the pass, the removal of every ticket that matched.
    pub fn tick(&mut self) -> Duration {
        self.come();
        let began = Instant::now();
        self.insert();
        self.pool.pass(black_box(self.now), &mut self.proposals);
        for ticket in self.proposals.iter().flat_map(|proposal| &proposal.tickets) {
            black_box(self.pool.remove(ticket.ticket_id));
        }
        began.elapsed()
    }

    /// Some ticks whose matches are checked.
    pub fn check(&mut self) -> Facts {
        // What waits by now came unseen; its tickets are known once all of it has left.
        let mut known: HashMap<TicketId, Ticket> = HashMap::new();
        let mut facts = Facts::default();
        for tick in 0..SETTLING + CHECKED {
            self.come();
            known.extend(self.arrivals.iter().map(|ticket| (ticket.ticket_id, ticket.clone())));
            self.insert();
            self.pool.pass(self.now, &mut self.proposals);
            let proposed = self.proposals.iter().flat_map(|proposal| &proposal.tickets).map(|ticket| ticket.ticket_id);
            let proposed: Vec<TicketId> = proposed.collect();
            if tick >= SETTLING {
                let tickets: Vec<Ticket> = proposed.iter().filter_map(|id| known.get(id).cloned()).collect();
                facts.add(check(self.pool.definition(), &tickets, self.now, &self.proposals));
            }
            for ticket in proposed {
                known.remove(&ticket);
                self.pool.remove(ticket);
            }
        }
        facts.tickets = self.pool.len();
        facts.players = self.pool.counts(self.now).players;
        facts
    }

    /// A tick later: the next arrivals stand at the door, and who has waited too long goes.
    fn come(&mut self) {
        self.now += TICK;
        self.proposals.clear();
        self.arrivals.clear();
        for _ in 0..ARRIVALS {
            let ticket = self.tickets.one(Shape::Regional, self.now);
            self.arrivals.push(ticket);
        }
        for ticket in self.pool.expired(self.now) {
            self.pool.remove(ticket);
        }
    }

    fn insert(&mut self) {
        for ticket in &self.arrivals {
            self.pool.insert(black_box(ticket)).expect("the generator makes tickets of this queue");
        }
    }
}
