//! What waits in a shard, for the leader that keeps it in memory: once as a whole, then change by change.

use muster_core::id::{BackfillId, TicketId};
use muster_core::matchmaking::{Backfill, Ticket};
use redis::Value;
use redis::streams::{StreamId, StreamRangeReply};

use super::{Shard, Tickets, backfills, record};
use crate::{Result, StoreError, codec};

/// All that waits in a shard at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSnapshot {
    /// Oldest first.
    pub tickets: Vec<Ticket>,
    /// Running matches that want players; oldest first.
    pub backfills: Vec<Backfill>,
    /// Where to go on with `Tickets::changes`.
    pub cursor: u64,
}

/// A change to what waits.
#[derive(Debug, Clone, PartialEq)]
pub enum TicketChange {
    /// It waits now (anew, or again: then it is `returned`).
    Added(Ticket),
    /// It does not wait any more.
    Removed(TicketId),
    /// A running match wants players.
    BackfillAdded(Backfill),
    /// It does not any more.
    BackfillRemoved(BackfillId),
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
const AT_ONCE: usize = 2_500;

impl Tickets {
    /// All that waits in a shard.
    pub async fn snapshot(&self, shard: &Shard) -> Result<PoolSnapshot> {
        let (revision, pool, wishes): (Option<u64>, Vec<String>, Vec<String>) = redis::pipe()
            .atomic()
            .get(self.keys.revision(shard))
            .hvals(self.keys.pool(shard))
            .hvals(self.keys.backfills(shard))
            .query_async(&mut self.redis.clone())
            .await?;
        let mut tickets = pool.iter().map(|ticket| record::from_json(ticket)).collect::<Result<Vec<_>>>()?;
        tickets.sort_by_key(|ticket| (ticket.enqueued_at, ticket.ticket_id));
        Ok(PoolSnapshot { tickets, backfills: backfills::sorted(&wishes)?, cursor: revision.unwrap_or_default() })
    }

    /// What changed in a shard since a cursor. Cheap when nothing did.
    pub async fn changes(&self, shard: &Shard, cursor: u64) -> Result<Changes> {
        let (revision, found): (Option<u64>, StreamRangeReply) = redis::pipe()
            .atomic()
            .get(self.keys.revision(shard))
            .xrange_count(self.keys.changes(shard), format!("{}-0", cursor + 1), "+", AT_ONCE)
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
        let mut items = Vec::with_capacity(found.ids.len());
        for entry in &found.ids {
            read(entry, &mut items)?;
        }
        Ok(Changes::Since { items, cursor: reached })
    }
}

fn number(entry: &StreamId) -> Result<u64> {
    codec::parse("a change's number", entry.id.split('-').next().unwrap_or_default())
}

/// One entry holds one change, or all tickets that left together.
fn read(entry: &StreamId, items: &mut Vec<TicketChange>) -> Result<()> {
    if let Some(ticket) = text(entry, "added") {
        // Those that were made together came as a list.
        match ticket.starts_with('[') {
            true => items.extend(record::many_from_json(ticket)?.into_iter().map(TicketChange::Added)),
            false => items.push(TicketChange::Added(record::from_json(ticket)?)),
        }
    } else if let Some(tickets) = text(entry, "removed") {
        for ticket in tickets.split(' ') {
            items.push(TicketChange::Removed(codec::parse("a removed ticket", ticket)?));
        }
    } else if let Some(backfill) = text(entry, "backfill_added") {
        items.push(TicketChange::BackfillAdded(backfills::from_json(backfill)?));
    } else if let Some(backfill) = text(entry, "backfill_removed") {
        items.push(TicketChange::BackfillRemoved(codec::parse("a removed backfill", backfill)?));
    } else {
        return Err(StoreError::corrupt("a change to a pool", format!("{:?}", entry.map.keys())));
    }
    Ok(())
}

fn text<'a>(entry: &'a StreamId, field: &str) -> Option<&'a str> {
    match entry.map.get(field)? {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
