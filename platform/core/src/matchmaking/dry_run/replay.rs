//! Plays recorded tickets to the pools of a queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::summary::Fate;
use super::{DryRunError, RecordedTicket};
use crate::id::{PlayerId, TicketId};
use crate::matchmaking::{InvalidQueue, Member, Pool, Proposal, QueueDefinition, Ticket};

/// What becomes of each ticket, in the order in which they were given.
///
/// A pool is looked at only when it could have changed: somebody came or left, somebody's wait has brought a widening, or the last
/// look proposed something. Any other pass would propose nothing, since a pass depends on nothing else; skipping them is what
/// makes a day of tickets a matter of seconds.
///
/// # Errors
/// When the queue makes no sense, and when `go_on`, asked before each pass, breaks.
pub(super) fn replay(
    definition: &QueueDefinition,
    recorded: &[RecordedTicket],
    tick: Duration,
    go_on: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<Vec<Fate>, DryRunError> {
    let mut replay = Replay::new(definition, recorded)?;
    let ticks = Ticks { start: replay.events.peek().map(|event| event.0.at).unwrap_or_default(), every: tick };
    let mut last = None;
    while let Some(next) = replay.next(last) {
        let now = ticks.at_or_after(next, last);
        if replay.look(now, go_on).is_break() {
            return Err(DryRunError::Stopped);
        }
        last = Some(now);
    }
    Ok(replay.fates)
}

/// The moments at which the matchmaker looks.
struct Ticks {
    start: DateTime<Utc>,
    every: Duration,
}

impl Ticks {
    /// The first at or after a moment, and after the last.
    fn at_or_after(&self, moment: DateTime<Utc>, last: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let every = i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX).clamp(1, 86_400_000);
        let since = |at: DateTime<Utc>| (at - self.start).num_milliseconds();
        let due = since(moment).div_euclid(every) + i64::from(since(moment).rem_euclid(every) > 0);
        let number = last.map_or(due, |last| due.max(since(last) / every + 1));
        self.start + TimeDelta::milliseconds(number * every)
    }
}

/// Something that happens to a ticket: by its place in the record. What comes first happens first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: DateTime<Utc>,
    kind: EventKind,
    ticket: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Arrives,
    Leaves,
    /// Its wait has reached this turn of the queue.
    Widens(usize),
}

struct Replay<'a> {
    definition: &'a QueueDefinition,
    recorded: &'a [RecordedTicket],
    shards: Vec<Shard>,
    /// By ticket.
    fates: Vec<Fate>,
    /// By ticket: the number of its first player.
    first_player: Vec<u128>,
    events: BinaryHeap<Reverse<Event>>,
    /// The waits after which anything changes for a ticket, in seconds.
    turns: Vec<u32>,
    shard_of: HashMap<&'a str, usize>,
    proposals: Vec<Proposal>,
}

struct Shard {
    pool: Pool,
    /// Whether another pass could propose something.
    restless: bool,
}

impl<'a> Replay<'a> {
    fn new(definition: &'a QueueDefinition, recorded: &'a [RecordedTicket]) -> Result<Self, InvalidQueue> {
        let groups = definition.groups();
        let shard = |group: &&str| Ok(Shard { pool: Pool::new(definition.clone(), group)?, restless: false });
        let mut players = 0;
        let mut events = BinaryHeap::with_capacity(recorded.len() * 2);
        let mut first_player = Vec::with_capacity(recorded.len());
        for (index, ticket) in recorded.iter().enumerate() {
            first_player.push(players);
            players += ticket.members.len() as u128;
            events.push(Reverse(Event { at: ticket.enqueued_at, kind: EventKind::Arrives, ticket: index }));
            if let Some(left_at) = ticket.left_at {
                let at = left_at.max(ticket.enqueued_at);
                events.push(Reverse(Event { at, kind: EventKind::Leaves, ticket: index }));
            }
        }
        Ok(Self {
            definition,
            recorded,
            shards: groups.iter().map(shard).collect::<Result<_, _>>()?,
            fates: vec![Fate::Unmatched; recorded.len()],
            first_player,
            events,
            turns: turns(definition),
            shard_of: groups.into_iter().enumerate().map(|(index, group)| (group, index)).collect(),
            proposals: Vec::new(),
        })
    }

    /// When to look again; none when nothing can happen any more.
    fn next(&self, last: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let restless = last.filter(|_| self.shards.iter().any(|shard| shard.restless));
        restless.or_else(|| self.events.peek().map(|event| event.0.at))
    }

    /// One tick of the matchmaker: what has happened until now, then a pass of each pool that could propose something.
    fn look(&mut self, now: DateTime<Utc>, go_on: &mut impl FnMut() -> ControlFlow<()>) -> ControlFlow<()> {
        while let Some(Reverse(event)) = self.events.peek().copied().filter(|event| event.0.at <= now) {
            self.events.pop();
            match event.kind {
                EventKind::Arrives => self.arrive(event.ticket),
                EventKind::Leaves => self.leave(event.ticket),
                EventKind::Widens(turn) => self.widen(event.ticket, turn),
            }
        }
        for index in 0..self.shards.len() {
            if self.shards[index].restless {
                go_on()?;
                self.pass(index, now);
            }
        }
        ControlFlow::Continue(())
    }

    fn arrive(&mut self, index: usize) {
        let (shard, ticket) = (self.shard_of(index), self.ticket(index));
        let shard = &mut self.shards[shard];
        if shard.pool.insert(&ticket).is_err() {
            self.fates[index] = Fate::Refused;
            return;
        }
        shard.restless = true;
        self.schedule(index, 0);
    }

    fn leave(&mut self, index: usize) {
        let shard = self.shard_of(index);
        if self.shards[shard].pool.remove(ticket_id(index)) {
            self.fates[index] = Fate::Cancelled;
            self.shards[shard].restless = true;
        }
    }

    fn widen(&mut self, index: usize, turn: usize) {
        let shard = self.shard_of(index);
        if self.shards[shard].pool.contains(ticket_id(index)) {
            self.shards[shard].restless = true;
            self.schedule(index, turn + 1);
        }
    }

    fn schedule(&mut self, index: usize, turn: usize) {
        if let Some(secs) = self.turns.get(turn) {
            let at = self.recorded[index].enqueued_at + TimeDelta::seconds((*secs).into());
            self.events.push(Reverse(Event { at, kind: EventKind::Widens(turn), ticket: index }));
        }
    }

    /// Whoever is proposed plays; whoever has waited too long goes.
    fn pass(&mut self, shard: usize, now: DateTime<Utc>) {
        let Shard { pool, restless } = &mut self.shards[shard];
        self.proposals.clear();
        pool.pass(now, &mut self.proposals);
        *restless = !self.proposals.is_empty();
        for proposal in &self.proposals {
            for ticket in &proposal.tickets {
                pool.remove(ticket.ticket_id);
                let wait_ms = u64::try_from((now - ticket.enqueued_at).num_milliseconds()).unwrap_or_default();
                self.fates[index_of(ticket.ticket_id)] = Fate::Matched { wait_ms, quality: Some(proposal.quality) };
            }
        }
        for ticket_id in pool.expired(now) {
            *restless |= pool.remove(ticket_id);
        }
    }

    fn shard_of(&self, index: usize) -> usize {
        self.shard_of.get(self.definition.group_of(&self.recorded[index].latencies_ms)).copied().unwrap_or_default()
    }

    /// The ticket as it was, with ids of its own.
    fn ticket(&self, index: usize) -> Ticket {
        let recorded = &self.recorded[index];
        let player = |number: u128| PlayerId::from_uuid(Uuid::from_u128(number));
        Ticket {
            ticket_id: ticket_id(index),
            enqueued_at: recorded.enqueued_at,
            returned: false,
            members: (self.first_player[index]..)
                .zip(&recorded.members)
                .map(|(number, member)| Member {
                    roles: member.roles.clone(),
                    ..Member::new(player(number), member.rating)
                })
                .collect(),
            latencies_ms: recorded.latencies_ms.clone(),
            properties: recorded.properties.clone(),
        }
    }
}

/// The waits, in seconds, after which anything changes for a ticket.
fn turns(definition: &QueueDefinition) -> Vec<u32> {
    let latencies = definition.regions.iter().filter_map(|region| region.latency.as_ref());
    let mut turns: Vec<u32> = definition
        .rating_window
        .steps
        .iter()
        .map(|step| step.after_secs)
        .chain(latencies.flat_map(|bound| bound.steps.iter().map(|step| step.after_secs)))
        .chain(definition.expansion.iter().map(|step| step.after_secs))
        .chain(definition.party.alike_first_secs)
        .chain(definition.max_wait_secs)
        .collect();
    turns.sort_unstable();
    turns.dedup();
    turns
}

fn ticket_id(index: usize) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(index as u128))
}

fn index_of(ticket_id: TicketId) -> usize {
    ticket_id.uuid().as_u128() as usize
}
