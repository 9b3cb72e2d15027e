//! Matches that are made only when all their players accept.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, TicketId};
use muster_core::matchmaking::Backfill;
use muster_core::wire::TicketState;

use super::claim::{Found, found, wish};
use super::{ProposalRecord, Shard, TicketRecord, Tickets, script};
use crate::Result;
use crate::script::{Answer, Script};

/// A match to ask players about.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposeRequest {
    /// The match.
    pub match_id: MatchId,
    /// Its tickets: at least one, each once.
    pub tickets: Vec<TicketId>,
    /// The wish it is to fulfil: out of the pool with them, and back in it should they not all accept.
    pub backfill: Option<Backfill>,
    /// Until when to answer.
    pub accept_by: DateTime<Utc>,
    /// What the leader, or its successor, needs to make the match: JSON of its own.
    pub plan: String,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposed {
    /// The players of all of these are asked; in the order asked for.
    Proposed(Vec<TicketRecord>),
    /// None, because these do not wait in this shard (any more). Empty when it is the backfill's wish that does not.
    Lost(Vec<TicketId>),
}

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("find.lua"), include_str!("propose.lua")]));

impl Tickets {
    /// Asks the players of matches whether they accept: of each match all tickets leave the pool, or none; in one round trip,
    /// with an answer for each, in order.
    ///
    /// # Errors
    /// Of Redis: then each may have been proposed, or not; `open_proposals` finds those that were.
    pub async fn propose_many(&self, shard: &Shard, requests: &[ProposeRequest]) -> Result<Vec<Proposed>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = SCRIPT.batch(requests.len());
        for request in requests {
            let [wish, wish_of] = wish(request.backfill.as_ref());
            let call = batch.call(self.keys.prefix());
            call.arg(request.match_id.to_string())
                .arg(request.accept_by.timestamp_millis())
                .arg(shard.to_string())
                .arg(wish)
                .arg(wish_of)
                .arg(&request.plan);
            for ticket in &request.tickets {
                call.arg(ticket.to_string());
            }
        }
        let answers: Vec<Answer> = batch.run(&self.redis).await?;
        requests.iter().zip(answers).map(|(request, answer)| proposed(shard, request, answer)).collect()
    }
}

fn proposed(shard: &Shard, request: &ProposeRequest, answer: Answer) -> Result<Proposed> {
    let found = match found(answer)? {
        Found::All(found) => found,
        Found::NotAll(lost) => return Ok(Proposed::Lost(lost)),
    };
    let players = found.iter().map(|(ticket, _)| ticket.members.len()).sum::<usize>();
    let proposal = ProposalRecord {
        match_id: request.match_id,
        accept_by: request.accept_by,
        accepted: Vec::new(),
        players: u32::try_from(players).unwrap_or(u32::MAX),
    };
    let records = found.into_iter().map(|(ticket, names)| TicketRecord {
        state: TicketState::Proposed,
        proposal: Some(proposal.clone()),
        ..TicketRecord::waiting(ticket, shard.clone(), names)
    });
    Ok(Proposed::Proposed(records.collect()))
}
