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

/// What tells a repeated call from a new one: for 24 h, the same owner and key give the same ticket.
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
        let mut batch = SCRIPT.batch(new.len().div_ceil(AT_ONCE) + 1);
        for together in new.chunks(AT_ONCE) {
            let call = batch.call(self.keys.prefix());
            for NewTicket { ticket, shard, names, idempotency } in together {
                let key = idempotency.as_ref().map_or_else(String::new, |key| format!("{}:{}", key.owner, key.key));
                call.arg(ticket.ticket_id.to_string())
                    .arg(shard.to_string())
                    .arg(record::to_json(ticket))
                    .arg(codec::to_json_text(names))
                    .arg(key)
                    .arg(ticket.members.len());
                for player in ticket.players() {
                    call.arg(player.to_string());
                }
            }
        }
        let mut shards: Vec<&Shard> = new.iter().map(|new| &new.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        let estimates = batch.then("MGET");
        for shard in &shards {
            estimates.arg(self.keys.estimate(shard));
        }

        let mut answers: Vec<Value> = batch.run(&self.redis).await?;
        let estimates = answers.pop().map(Vec::<Option<u64>>::from_redis_value).transpose();
        let estimates = estimates.map_err(redis::RedisError::from)?.unwrap_or_default();
        let estimate = |shard: &Shard| {
            let index = shards.binary_search(&shard).ok()?;
            estimates.get(index).copied().flatten()
        };
        let mut creations = Vec::with_capacity(new.len());
        for (together, answer) in new.chunks(AT_ONCE).zip(answers) {
            let answers = Vec::<Value>::from_redis_value(answer).map_err(redis::RedisError::from)?;
            for (new, answer) in together.iter().zip(answers) {
                creations.push(creation(new, answer, estimate(&new.shard))?);
            }
        }
        Ok(creations)
    }
}

fn creation(new: &NewTicket, answer: Value, estimated_wait_ms: Option<u64>) -> Result<Creation> {
    let mut answer = Answer::from_redis_value(answer).map_err(redis::RedisError::from)?;
    match answer.outcome.as_str() {
        "created" => Ok(Creation::Created(TicketRecord {
            estimated_wait_ms,
            ..TicketRecord::waiting(new.ticket.clone(), new.shard.clone(), new.names.clone())
        })),
        "repeated" => Ok(Creation::Repeated(answer.take::<Fields>()?.record()?)),
        "exists" => Ok(Creation::Exists {
            player: codec::parse("the answer of create.lua", &answer.take::<String>()?)?,
            record: answer.take::<Fields>()?.record()?,
        }),
        other => Err(StoreError::corrupt("the answer of create.lua", other)),
    }
}
