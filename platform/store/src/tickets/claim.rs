//! The claim: all tickets of a match, or none.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, TicketId};
use muster_core::matchmaking::{Backfill, Ticket};
use redis::AsyncCommands;

use super::record::{self, Fields};
use super::{READ, Shard, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError, codec};

/// A ticket that is being made into a match. Only a claim makes one, so what takes one cannot be given a ticket that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTicket {
    pub(super) ticket: Ticket,
    pub(super) shard: Shard,
    pub(super) names: Vec<String>,
    pub(super) match_id: MatchId,
    pub(super) claimed_at: DateTime<Utc>,
}

impl ClaimedTicket {
    /// The ticket, as the pool had it.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Where it waited.
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The queue it waited in.
    pub fn queue(&self) -> &str {
        &self.shard.queue
    }

    /// What its players were called when it was made, in the order of its members.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The match it is claimed for.
    pub fn match_id(&self) -> MatchId {
        self.match_id
    }

    /// When it was claimed.
    pub fn claimed_at(&self) -> DateTime<Utc> {
        self.claimed_at
    }
}

/// A match to claim tickets for.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimRequest {
    /// The match.
    pub match_id: MatchId,
    /// Its tickets: at least one, each once.
    pub tickets: Vec<TicketId>,
    /// The wish it fulfils: claimed with them, so that nobody else fulfils it too. It is gone then; `open_backfill` makes it
    /// anew should the match come to nothing.
    pub backfill: Option<Backfill>,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// All of them, in the order asked for.
    Claimed(Vec<ClaimedTicket>),
    /// None, because these do not wait in this shard (any more). Empty when it is the backfill's wish that does not.
    Lost(Vec<TicketId>),
}

/// The most stale claims of one look.
const STALE_AT_ONCE: isize = 1_000;

/// The tickets that one call of a script takes on, roughly: it holds up everybody else's calls, and Lua has room for some thousand
/// values.
pub(super) const TICKETS_AT_ONCE: usize = 256;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("find.lua"), include_str!("claim.lua")]));

impl Tickets {
    /// Claims tickets for matches: for each match all of them, or none; in one round trip, with an answer for each, in order.
    ///
    /// # Errors
    /// Of Redis: then each claim may have been made, or not; `stale_claims` finds those that were.
    pub async fn claim_many(&self, shard: &Shard, requests: &[ClaimRequest], now: DateTime<Utc>) -> Result<Vec<Claim>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let lots = lots(requests, |request| request.tickets.len());
        let mut batch = SCRIPT.batch(lots.len());
        for lot in &lots {
            let call = batch.call(self.keys.prefix());
            call.arg(now.timestamp_millis()).arg(shard.to_string());
            for request in *lot {
                let [wish, wish_of] = wish(request.backfill.as_ref());
                call.arg(request.match_id.to_string()).arg(wish).arg(wish_of).arg(request.tickets.len());
                for ticket in &request.tickets {
                    call.arg(ticket.to_string());
                }
            }
        }
        let answers: Vec<Vec<Answer>> = batch.run(&self.redis).await?;
        let claims = requests.iter().zip(answers.into_iter().flatten()).map(|(request, answer)| {
            Ok(match found(answer)? {
                Found::All(found) => Claim::Claimed(
                    found
                        .into_iter()
                        .map(|(ticket, names)| ClaimedTicket {
                            ticket,
                            shard: shard.clone(),
                            names,
                            match_id: request.match_id,
                            claimed_at: now,
                        })
                        .collect(),
                ),
                Found::NotAll(lost) => Claim::Lost(lost),
            })
        });
        claims.collect()
    }

    /// What was claimed before a moment and neither settled nor released since: the work of a matchmaker that died half way.
    /// Oldest first, 1,000 tickets at most.
    pub async fn stale_claims(&self, claimed_before: DateTime<Utc>) -> Result<Vec<ClaimedTicket>> {
        let before = format!("({}", claimed_before.timestamp_millis());
        let tickets: Vec<String> =
            self.redis.clone().zrangebyscore_limit(self.keys.claimed(), "-inf", before, 0, STALE_AT_ONCE).await?;
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = READ.batch(tickets.len());
        for ticket in &tickets {
            reads.call(self.keys.prefix()).arg("ticket").arg(ticket);
        }
        let found: Vec<Option<Fields>> = reads.run(&self.redis).await?;
        found.iter().flatten().filter_map(|fields| fields.claimed().transpose()).collect()
    }
}

/// A wish's id and its match's, as scripts take them.
pub(super) fn wish(backfill: Option<&Backfill>) -> [String; 2] {
    backfill.map(|wish| [wish.backfill_id.to_string(), wish.match_id.to_string()]).unwrap_or_default()
}

/// Requests in lots of not many more than `TICKETS_AT_ONCE` tickets.
pub(super) fn lots<T>(requests: &[T], tickets: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut lots, mut first, mut count) = (Vec::new(), 0, 0);
    for (last, request) in requests.iter().enumerate() {
        count += tickets(request);
        if count >= TICKETS_AT_ONCE {
            lots.push(&requests[first..=last]);
            (first, count) = (last + 1, 0);
        }
    }
    if first < requests.len() {
        lots.push(&requests[first..]);
    }
    lots
}

/// What a script with find.lua found.
pub(super) enum Found {
    All(Vec<(Ticket, Vec<String>)>),
    NotAll(Vec<TicketId>),
}

pub(super) fn found(answer: Answer) -> Result<Found> {
    match answer.outcome.as_str() {
        "claimed" => Ok(Found::All(tickets_of(&answer.all::<String>()?)?)),
        "lost" => {
            let lost = answer.all::<String>()?;
            Ok(Found::NotAll(lost.iter().map(|id| codec::parse("a ticket's id", id)).collect::<Result<_>>()?))
        }
        other => Err(StoreError::corrupt("the answer about tickets to take", other)),
    }
}

/// Tickets and names from {ticket (JSON), names (JSON), players, ..}.
pub(super) fn tickets_of(texts: &[String]) -> Result<Vec<(Ticket, Vec<String>)>> {
    let tickets = texts.chunks_exact(3).map(|of| Ok((record::from_json(&of[0])?, record::names_from_json(&of[1])?)));
    tickets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_hold_everything_once_and_in_order() {
        for sizes in [vec![], vec![1], vec![300, 1], vec![2; 1_000], vec![128, 128, 1], vec![255, 2, 255]] {
            let lots = lots(&sizes, |tickets| *tickets);
            assert_eq!(lots.concat(), sizes);
            for (index, lot) in lots.iter().enumerate() {
                let sum: usize = lot.iter().sum();
                assert!(index + 1 == lots.len() || sum >= TICKETS_AT_ONCE, "{sum}");
                assert!(sum - lot[lot.len() - 1] < TICKETS_AT_ONCE, "{sum}");
            }
        }
    }
}
