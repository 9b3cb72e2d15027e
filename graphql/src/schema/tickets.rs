//! Tickets: what became of one, and why it has not matched.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use muster_core::{id::TicketId, matchmaking as core, wire};
use muster_store::{Answer, AskError, Question, Store, TicketRecord};

use super::{errors::ApiError, of_schema, time::Time};
use crate::auth::{Needs, Permission};

/// What became of a ticket, and why it has not matched.
#[derive(SimpleObject)]
pub struct WhyNotMatched {
    /// Ticket id, `tkt_…`.
    ticket_id: ID,
    /// The queue it waits in, or waited in.
    queue: String,
    /// The group of regions it waits in, or waited in.
    group: String,
    /// What became of it.
    state: TicketState,
    /// Why it ended without a match: `player` or `server` gave it up, `max_wait`, `queue_changed`, `region_closed`, `shard_gone`,
    /// `declined`, `not_accepted`.
    reason: Option<String>,
    /// Its match, when it got one.
    match_id: Option<ID>,
    /// Since when it waits, or waited.
    created_at: Time,
    /// When it was over.
    ended_at: Option<Time>,
    /// How long it has waited, or had when it was over, in milliseconds.
    waited_ms: i64,
    /// One sentence.
    verdict: String,
    /// What each rule costs it; null when `unexplained` says why.
    explanation: Option<Explanation>,
    /// Why there is no explanation; null when there is one.
    unexplained: Option<Unexplained>,
}

/// What became of a ticket.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "wire::TicketState")]
pub enum TicketState {
    /// It waits.
    Waiting,
    /// A match is found, and its players are asked whether they accept.
    Proposed,
    /// All of its players have accepted; others of the match have not yet.
    Accepted,
    /// It got a match.
    Matched,
    /// It was given up.
    Cancelled,
    /// It waited longer than its queue allows.
    Expired,
    /// It ended for another reason.
    Failed,
}

/// Why a ticket's wait is not explained.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Unexplained {
    /// It is over.
    Over,
    /// A match is found for it, and waits for its players' yes.
    Proposed,
    /// No matchmaker leads its shard at the moment: nothing is matched there.
    NoLeader,
    /// Its shard's matchmaker did not answer in time.
    Silent,
    /// Its shard's matchmaker does not have it: it has just come, or is being matched.
    NotInPool,
}

/// What each rule costs a ticket, among all who wait in its pool at this moment.
#[derive(SimpleObject)]
pub struct Explanation {
    /// At which moment.
    at: Time,
    /// How far apart ratings may be for it by now, in points; null when any.
    rating_window: Option<f64>,
    /// The regions it may play in by now.
    regions: Vec<String>,
    /// The other tickets of the pool.
    candidates: u32,
    /// What each rule costs, in the order in which they are asked. A candidate counts for the first rule that refuses it.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Rules.of(child_complexity)")]
    rules: Vec<RuleCost>,
    /// The candidates that no rule refuses.
    left: u32,
    /// The players of those.
    players_left: u32,
    /// How many players a match needs besides its own, at least.
    players_needed: u32,
    /// By role of the queue: whether there are enough who would do it. Empty when the queue has no roles.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Rules.of(child_complexity)")]
    roles: Vec<RoleSupply>,
}

/// Who would do a role.
#[derive(SimpleObject)]
pub struct RoleSupply {
    /// Its name.
    role: String,
    /// How many players of a match do it, in all teams.
    needed: u32,
    /// How many would, of the players left and of its own.
    willing: u32,
}

/// What a rule costs a ticket.
#[derive(SimpleObject)]
pub struct RuleCost {
    /// `region`, `rating_window`, `their_rating_window`, `party_size`, `roles`, `blocked`, `recent_opponents`, or
    /// `filter:<name>`.
    rule: String,
    /// How many candidates it removed, that no rule before it had.
    removed: u32,
    /// How many it would remove if it were the only one.
    alone: u32,
}

impl From<core::Explanation> for Explanation {
    fn from(explanation: core::Explanation) -> Self {
        let supply =
            |supply: core::RoleSupply| RoleSupply { role: supply.role, needed: supply.needed, willing: supply.willing };
        let cost = |cost: core::RuleCost| RuleCost { rule: cost.rule, removed: cost.removed, alone: cost.alone };
        Self {
            at: Time(explanation.at),
            rating_window: explanation.rating_window,
            regions: explanation.regions,
            candidates: explanation.candidates,
            rules: explanation.rules.into_iter().map(cost).collect(),
            left: explanation.left,
            players_left: explanation.players_left,
            players_needed: explanation.players_needed,
            roles: explanation.roles.into_iter().map(supply).collect(),
        }
    }
}

/// Queries about tickets.
#[derive(Default)]
pub struct TicketQuery;

#[Object]
impl TicketQuery {
    /// Why a ticket has not matched, as its matchmaker says at this moment; of one that is over, what became of it. Null when
    /// there is no ticket of this id: one that is over is forgotten after 10 minutes.
    #[graphql(guard = "Needs(Permission::ReadTickets)")]
    async fn why_not_matched(&self, context: &Context<'_>, ticket_id: ID) -> Result<Option<WhyNotMatched>, ApiError> {
        let ticket_id: TicketId =
            ticket_id.parse().map_err(|error| ApiError::bad_input(format!("ticketId is not a ticket id: {error}")))?;
        let store = of_schema::<Store>(context)?;
        let found = store.tickets.get(ticket_id).await.map_err(ApiError::internal("get_ticket"))?;
        match found {
            Some(record) => WhyNotMatched::of(store, record).await.map(Some),
            None => Ok(None),
        }
    }
}

impl WhyNotMatched {
    async fn of(store: &Store, record: TicketRecord) -> Result<Self, ApiError> {
        let explained = explain(store, &record).await?;
        let waited_until = record.ended_at.unwrap_or_else(muster_store::now);
        let waited_ms = (waited_until - record.ticket.enqueued_at).num_milliseconds().max(0);
        let (verdict, explanation, unexplained) = match explained {
            Ok(explanation) => (explanation.verdict.clone(), Some(explanation.into()), None),
            Err(unexplained) => (verdict(&record, unexplained), None, Some(unexplained)),
        };
        Ok(Self {
            ticket_id: record.ticket.ticket_id.to_string().into(),
            state: record.state.into(),
            match_id: record.match_id.map(|match_id| match_id.to_string().into()),
            created_at: Time(record.ticket.enqueued_at),
            ended_at: record.ended_at.map(Time),
            waited_ms,
            verdict,
            explanation,
            unexplained,
            reason: record.reason,
            queue: record.shard.queue,
            group: record.shard.group,
        })
    }
}

/// What the leader of its shard says of a ticket that waits; of any other, why nobody is asked.
async fn explain(store: &Store, record: &TicketRecord) -> Result<Result<core::Explanation, Unexplained>, ApiError> {
    match record.state {
        wire::TicketState::Waiting => {}
        wire::TicketState::Proposed | wire::TicketState::Accepted => return Ok(Err(Unexplained::Proposed)),
        wire::TicketState::Matched
        | wire::TicketState::Cancelled
        | wire::TicketState::Expired
        | wire::TicketState::Failed => return Ok(Err(Unexplained::Over)),
    }
    let question = Question::Explain(record.ticket.ticket_id);
    match store.matchmaker_calls.ask(&record.shard, &question).await {
        Ok(Answer::Explanation(Some(explanation))) => Ok(Ok(explanation)),
        Ok(Answer::Explanation(None)) => Ok(Err(Unexplained::NotInPool)),
        Ok(Answer::Look(_)) | Err(AskError::TimedOut) => Ok(Err(Unexplained::Silent)),
        Err(AskError::NoLeader) => Ok(Err(Unexplained::NoLeader)),
        Err(AskError::Store(error)) => Err(ApiError::internal("explain_ticket")(error)),
    }
}

/// One sentence about a ticket that its matchmaker does not explain.
fn verdict(record: &TicketRecord, unexplained: Unexplained) -> String {
    match unexplained {
        Unexplained::Proposed => match &record.proposal {
            Some(proposal) => {
                format!("a match is found: {} of {} players have accepted", proposal.accepted.len(), proposal.players)
            }
            None => "a match is found, and waits for its players to accept".to_owned(),
        },
        Unexplained::NoLeader => {
            "no matchmaker leads its shard at the moment: nothing is matched there until one does".to_owned()
        }
        Unexplained::Silent => "its shard's matchmaker did not answer in time: ask again".to_owned(),
        Unexplained::NotInPool => {
            "its shard's matchmaker has just heard of it, or is making its match: ask again".to_owned()
        }
        Unexplained::Over => match (record.state, record.reason.as_deref()) {
            (wire::TicketState::Matched, _) => "it got a match".to_owned(),
            (wire::TicketState::Cancelled, Some("player")) => "its player gave it up".to_owned(),
            (wire::TicketState::Cancelled, Some("server")) => "a trusted server gave it up".to_owned(),
            (_, Some("max_wait")) => "it waited as long as its queue allows, without a match".to_owned(),
            (_, Some("region_closed")) => "it could play in closed regions only".to_owned(),
            (_, Some("queue_changed")) => "its queue was changed, and does not take it any more".to_owned(),
            (_, Some("shard_gone")) => "its queue has no more the group of regions that it waited for".to_owned(),
            (_, Some("declined")) => "one of its players declined the match that was found".to_owned(),
            (_, Some("not_accepted")) => {
                "one of its players did not accept the match that was found in time".to_owned()
            }
            (_, Some(reason)) => format!("it ended without a match: {reason}"),
            (_, None) => "it ended without a match".to_owned(),
        },
    }
}
