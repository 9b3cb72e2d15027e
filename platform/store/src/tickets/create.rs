//! New tickets.

use std::sync::LazyLock;

use muster_core::id::PlayerId;
use muster_core::matchmaking::Ticket;
use redis::{FromRedisValue, Value};

use super::record::{self, Fields};
use super::{Shard, TicketRecord, Tickets, script};
use crate::script::{Answer, Script};
use crate::{Result, StoreError, codec};

/// A ticket to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// The ticket; `enqueued_at` is when it began to wait. Has at least one member.
    pub ticket: Ticket,
    /// Where it is to wait.
    pub shard: Shard,
    /// What its players are called, in the order of its members.
    pub names: Vec<String>,
    /// Makes a repeated call harmless.
    pub idempotency: Option<Idempotency>,
}

/// What tells a repeated call from a new one: the same owner and key give the same ticket, as long as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: the id of the player, or of the trusted server's key.
    pub owner: String,
    /// The key, as its owner made it: the caller bounds its length.
    pub key: String,
}

/// What became of the wish for a new ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    /// It waits.
    Created(TicketRecord),
    /// The idempotency key has been used: this is the ticket it made, whatever became of it since.
    Repeated(TicketRecord),
    /// A player of it has a live ticket already.
    Exists {
        /// Who.
        player: PlayerId,
        /// The ticket they have.
        record: TicketRecord,
    },
}

/// Tickets of one call: together they cost Redis a third of what they would one by one, and nobody else waits long.
const AT_ONCE: usize = 32;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script(&[include_str!("create.lua")]));

impl Tickets {
    /// Makes tickets, each unless a player of it has a live one; in one round trip, with an answer for each, in order. A
    /// created record tells its shard's estimated wait.
    ///
    /// # Errors
    /// Of Redis: then each of them may have been made, or not. A ticket without members, or with another number of names: then
    /// nothing was done.
    pub async fn create_many(&self, new: &[NewTicket]) -> Result<Vec<Creation>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(wrong) = new.iter().find(|new| new.names.is_empty() || new.names.len() != new.ticket.members.len())
        {
            let (members, names) = (wrong.ticket.members.len(), wrong.names.len());
            return Err(StoreError::Settings(format!("a ticket has {members} members and {names} names")));
        }
        let calls = calls(new);
        let mut batch = SCRIPT.batch(calls.len() + 1);
        for places in &calls {
            let call = batch.call(self.keys.prefix());
            call.arg(new[places[0]].shard.to_string());
            for NewTicket { ticket, names, idempotency, .. } in places.iter().map(|place| &new[*place]) {
                let key = idempotency.as_ref().map_or_else(String::new, |key| format!("{}:{}", key.owner, key.key));
                call.arg(ticket.ticket_id.to_string())
                    .arg(record::to_json(ticket))
                    .arg(codec::to_json_text(names))
                    .arg(key)
                    .arg(ticket.members.len());
                for player in ticket.players() {
                    call.arg(player.to_string());
                }
            }
        }
        let mut shards: Vec<&Shard> = calls.iter().map(|places| &new[places[0]].shard).collect();
        shards.dedup();
        let estimates = batch.then("MGET");
        for shard in &shards {
            estimates.arg(self.keys.estimate(shard));
        }

        let mut answers: Vec<Value> = batch.run(&self.redis).await?;
        let estimates = answers.pop().map(Vec::<Option<u64>>::from_redis_value).transpose();
        let estimates = estimates.map_err(redis::RedisError::from)?.unwrap_or_default();
        let estimate = |shard: &Shard| estimates.get(shards.binary_search(&shard).ok()?).copied().flatten();
        let mut creations: Vec<Option<Creation>> = vec![None; new.len()];
        for (places, answer) in calls.iter().zip(answers) {
            for refused in Vec::<Value>::from_redis_value(answer).map_err(redis::RedisError::from)? {
                let (place, refusal) = refusal(refused)?;
                let creation = places.get(place).and_then(|place| creations.get_mut(*place));
                *creation.ok_or_else(|| StoreError::corrupt("the answer of create.lua", place))? = Some(refusal);
            }
        }
        let creations = creations.into_iter().zip(new).map(|(refused, new)| {
            refused.unwrap_or_else(|| {
                Creation::Created(TicketRecord {
                    estimated_wait_ms: estimate(&new.shard),
                    ..TicketRecord::waiting(new.ticket.clone(), new.shard.clone(), new.names.clone())
                })
            })
        });
        Ok(creations.collect())
    }
}

/// The places of the tickets that share a call, by shard: so many, and none with a player or a key of another.
fn calls(new: &[NewTicket]) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..new.len()).collect();
    places.sort_by_key(|place| &new[*place].shard);
    let mut calls: Vec<Vec<usize>> = Vec::with_capacity(new.len().div_ceil(AT_ONCE));
    for place in places {
        let one = &new[place];
        let fits = |call: &Vec<usize>| {
            call.len() < AT_ONCE
                && new[call[0]].shard == one.shard
                && !call.iter().any(|other| share(one, &new[*other]))
        };
        match calls.last_mut().filter(|call| fits(call)) {
            Some(call) => call.push(place),
            None => calls.push(vec![place]),
        }
    }
    calls
}

/// Whether only one of two tickets can be made.
fn share(one: &NewTicket, other: &NewTicket) -> bool {
    one.ticket.players().any(|player| other.ticket.players().any(|its| its == player))
        || one.idempotency.is_some() && one.idempotency == other.idempotency
}

/// Which ticket of a call was not made, and why.
fn refusal(answer: Value) -> Result<(usize, Creation)> {
    let mut values = Vec::<Value>::from_redis_value(answer).map_err(redis::RedisError::from)?.into_iter();
    let place = usize::from_redis_value(values.next().unwrap_or(Value::Nil)).map_err(redis::RedisError::from)?;
    let mut answer = Answer::from_redis_value(Value::Array(values.collect())).map_err(redis::RedisError::from)?;
    let refusal = match answer.outcome.as_str() {
        "repeated" => Creation::Repeated(answer.take::<Fields>()?.record()?),
        "exists" => Creation::Exists {
            player: codec::parse("the answer of create.lua", &answer.take::<String>()?)?,
            record: answer.take::<Fields>()?.record()?,
        },
        other => return Err(StoreError::corrupt("the answer of create.lua", other)),
    };
    Ok((place, refusal))
}
