//! A pool whose passes are measured: what a pass proposes is put back, outside the time, before the next.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, Ticket};

use crate::check::{Facts, check};
use crate::tickets::Tickets;

/// Time between two passes, as matchmakers have it.
pub const TICK: TimeDelta = TimeDelta::milliseconds(100);

/// A pool with tickets that all wait.
pub struct Warm {
    pool: Pool,
    tickets: Vec<Ticket>,
    now: DateTime<Utc>,
    proposals: Vec<Proposal>,
    /// How many matches each pass makes: all find the same tickets waiting.
    matches: Option<usize>,
}

impl Warm {
    /// Nobody has passed over it yet.
    pub fn new(queue: QueueDefinition, tickets: Vec<Ticket>) -> Self {
        let mut pool = Pool::new(queue, "all").expect("a sound queue");
        for ticket in &tickets {
            pool.insert(ticket).expect("the generator makes tickets of this queue");
        }
        assert_eq!(pool.len(), tickets.len(), "every ticket has players of its own");
        Self { pool, tickets, now: Tickets::now(), proposals: Vec::new(), matches: None }
    }

    /// The moment of the next pass.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The pool as it is.
    pub fn into_pool(self) -> Pool {
        self.pool
    }

    /// What a pass proposes. The tickets stay held.
    pub fn proposals(&mut self) -> &[Proposal] {
        self.run();
        &self.proposals
    }

    /// The first pass, which finds a pool that no pass has seen, and the second one, as all after it are: both checked.
    pub fn check(&mut self) -> Facts {
        let first_pass = self.run();
        let mut facts = check(self.pool.definition(), &self.tickets, self.now, &self.proposals);
        self.put_back();
        self.run();
        facts.violations.extend(check(self.pool.definition(), &self.tickets, self.now, &self.proposals).violations);
        self.put_back();
        facts.first_pass = Some(first_pass);
        facts
    }

    /// How long the pass alone takes.
    pub fn pass(&mut self) -> Duration {
        let spent = self.run();
        self.put_back();
        spent
    }

    fn run(&mut self) -> Duration {
        self.proposals.clear();
        self.now += TICK;
        let began = Instant::now();
        self.pool.pass(black_box(self.now), &mut self.proposals);
        let spent = began.elapsed();
        black_box(&self.proposals);
        let matches = self.proposals.len();
        // A pass that finds nobody because nobody was put back would be fast.
        assert_eq!(
            *self.matches.get_or_insert(matches),
            matches,
            "the same tickets wait, so the same matches are made"
        );
        spent
    }

    fn put_back(&mut self) {
        for ticket in self.proposals.iter().flat_map(|proposal| &proposal.tickets) {
            assert!(self.pool.put_back(ticket.ticket_id), "a proposed ticket stays in the pool");
        }
    }
}
