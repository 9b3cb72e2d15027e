//! What waits in a queue, for the leader that keeps it in memory: once as a whole, then change by change.

use muster_core::id::TicketId;
use muster_core::matchmaking::Ticket;
use redis::Value;
use redis::streams::{StreamId, StreamRangeReply};

use super::{Tickets, record};
use crate::{Result, StoreError, codec};

/// All that waits in a queue at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSnapshot {
    /// Oldest first.
    pub tickets: Vec<Ticket>,
    /// Where to go on with `Tickets::changes`.
    pub cursor: u64,
}

/// A change to what waits.
#[derive(Debug, Clone, PartialEq)]
pub enum TicketChange {
    /// It waits now (anew, or released).
    Added(Ticket),
    /// It does not wait any more.
    Removed(TicketId),
}

/// What changed since a cursor.
#[derive(Debug, Clone, PartialEq)]
pub enum Changes {
    /// These, in order.
    Since {
        /// The changes; at most some thousands at once.
        items: Vec<TicketChange>,
        /// Where to go on.
        cursor: u64,
    },
    /// The cursor is too far behind, or not of this Redis: take a snapshot.
    Gap,
}

/// How many changes one call reads.
const AT_ONCE: usize = 5_000;

impl Tickets {
    /// All that waits in a queue.
    pub async fn snapshot(&self, queue: &str) -> Result<PoolSnapshot> {
        let (revision, pool): (Option<u64>, Vec<String>) = redis::pipe()
            .atomic()
            .get(self.keys.revision(queue))
            .hvals(self.keys.pool(queue))
            .query_async(&mut self.redis.clone())
            .await?;
        let mut tickets = pool.iter().map(|ticket| record::from_json(ticket)).collect::<Result<Vec<_>>>()?;
        tickets.sort_by_key(|ticket| (ticket.enqueued_at, ticket.ticket_id));
        Ok(PoolSnapshot { tickets, cursor: revision.unwrap_or_default() })
    }

    /// What changed in a queue since a cursor. Cheap when nothing did.
    pub async fn changes(&self, queue: &str, cursor: u64) -> Result<Changes> {
        let (revision, found): (Option<u64>, StreamRangeReply) = redis::pipe()
            .atomic()
            .get(self.keys.revision(queue))
            .xrange_count(self.keys.changes(queue), format!("{}-0", cursor + 1), "+", AT_ONCE)
            .query_async(&mut self.redis.clone())
            .await?;
        let revision = revision.unwrap_or_default();
        if revision == cursor {
            return Ok(Changes::Since { items: Vec::new(), cursor });
        }
        // Revisions have no holes, so the next change is there unless it was trimmed, or Redis lost its memory.
        match found.ids.first().map(number).transpose()? {
            Some(first) if first == cursor + 1 => {}
            _ => return Ok(Changes::Gap),
        }
        let reached = cursor + found.ids.len() as u64;
        let items = found.ids.iter().map(change).collect::<Result<_>>()?;
        Ok(Changes::Since { items, cursor: reached })
    }
}

fn number(entry: &StreamId) -> Result<u64> {
    codec::parse("a change's number", entry.id.split('-').next().unwrap_or_default())
}

fn change(entry: &StreamId) -> Result<TicketChange> {
    if let Some(ticket) = text(entry, "added") {
        Ok(TicketChange::Added(record::from_json(&ticket)?))
    } else if let Some(ticket) = text(entry, "removed") {
        Ok(TicketChange::Removed(codec::parse("a removed ticket", &ticket)?))
    } else {
        Err(StoreError::corrupt("a change to a pool", format!("{:?}", entry.map.keys())))
    }
}

fn text(entry: &StreamId, field: &str) -> Option<String> {
    match entry.map.get(field)? {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
