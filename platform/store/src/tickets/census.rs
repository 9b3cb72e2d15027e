//! Who has a live ticket, and whether it is one: what an audit looks at.

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, TicketId};

use super::{Shard, Tickets, record};
use crate::{Result, codec};

/// A player's live ticket, as it is found under their id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveTicket {
    /// Whose.
    pub player_id: PlayerId,
    /// Which.
    pub ticket_id: TicketId,
    /// How it stands.
    pub state: LiveState,
}

/// How the ticket stands that a player's id leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveState {
    /// There is no such ticket.
    Missing,
    /// It waits.
    Waiting {
        /// Whether its shard knows.
        in_pool: bool,
    },
    /// Its players are asked.
    Proposed {
        /// The match it would become.
        match_id: Option<MatchId>,
        /// Until when; none when nobody knows.
        accept_by: Option<DateTime<Utc>>,
    },
    /// It is being made into a match.
    Claimed {
        /// The match.
        match_id: Option<MatchId>,
        /// Since when, or until when it is looked after; none when the claims do not have it.
        since: Option<DateTime<Utc>>,
    },
    /// It is over, and should not be found under a player's id any more.
    Over {
        /// `matched`, `cancelled`, `expired` or `failed`.
        state: String,
    },
}

/// Keys that one step looks through.
const STEP: u32 = 1_000;

type Fields = (Option<String>, Option<String>, Option<String>);

impl Tickets {
    /// Live tickets by player, a step at a time: begin with 0, go on with what was returned until it is 0 again. Who is there
    /// all the while is told at least once; each ticket is a look of its own, so one in motion may look odd for a moment.
    pub async fn live_page(&self, cursor: u64) -> Result<(u64, Vec<LiveTicket>)> {
        let mut redis = self.redis.clone();
        let prefix = format!("{}player:", self.keys.prefix());
        let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{prefix}*"))
            .arg("COUNT")
            .arg(STEP)
            .query_async(&mut redis)
            .await?;
        if keys.is_empty() {
            return Ok((next, Vec::new()));
        }
        let tickets: Vec<Option<String>> = redis::cmd("MGET").arg(&keys).query_async(&mut redis).await?;
        let mut live = Vec::with_capacity(keys.len());
        for (key, ticket) in keys.iter().zip(tickets) {
            // Gone between the two looks: then nothing is left to say.
            let (Some(player), Some(ticket)) = (key.strip_prefix(&prefix), ticket) else { continue };
            live.push((codec::parse("a live ticket's player", player)?, codec::parse("a live ticket", &ticket)?));
        }
        let states = self.states_of(&live).await?;
        let tickets = live.into_iter().zip(states);
        Ok((next, tickets.map(|((player_id, ticket_id), state)| LiveTicket { player_id, ticket_id, state }).collect()))
    }

    async fn states_of(&self, live: &[(PlayerId, TicketId)]) -> Result<Vec<LiveState>> {
        if live.is_empty() {
            return Ok(Vec::new());
        }
        let mut redis = self.redis.clone();
        let mut reads = redis::pipe();
        for (_, ticket) in live {
            let key = format!("{}ticket:{ticket}", self.keys.prefix());
            reads.cmd("HMGET").arg(key).arg(&["state", "shard", "match"]);
        }
        let found: Vec<Fields> = reads.query_async(&mut redis).await?;
        // What else should know of it, by its state: the pool, the proposals or the claims.
        let mut reads = redis::pipe();
        for ((_, ticket), fields) in live.iter().zip(&found) {
            let shard: Option<Shard> = fields.1.as_deref().and_then(|shard| shard.parse().ok());
            let match_id = fields.2.clone().unwrap_or_default();
            match (fields.0.as_deref(), shard) {
                (Some("waiting"), Some(shard)) => reads.hexists(self.keys.pool(&shard), ticket.to_string()),
                (Some("proposed"), Some(shard)) => reads.zscore(self.keys.proposals(&shard), match_id),
                (Some("claimed"), _) => reads.zscore(self.keys.claimed(), ticket.to_string()),
                _ => reads.cmd("ECHO").arg("0"),
            };
        }
        let besides: Vec<Option<f64>> = reads.query_async(&mut redis).await?;
        found.into_iter().zip(besides).map(|(fields, besides)| state(fields, besides)).collect()
    }
}

fn state((state, _, match_id): Fields, besides: Option<f64>) -> Result<LiveState> {
    let match_id = match_id.as_deref().map(|id| codec::parse("a ticket's match", id)).transpose()?;
    let moment = besides.map(|millis| record::time(millis as i64)).transpose()?;
    Ok(match state.as_deref() {
        None => LiveState::Missing,
        Some("waiting") => LiveState::Waiting { in_pool: besides.is_some_and(|known| known != 0.0) },
        Some("proposed") => LiveState::Proposed { match_id, accept_by: moment },
        Some("claimed") => LiveState::Claimed { match_id, since: moment },
        Some(over) => LiveState::Over { state: over.to_owned() },
    })
}
