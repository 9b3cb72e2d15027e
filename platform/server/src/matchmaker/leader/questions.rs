//! What staff may ask the leader of a shard.

use chrono::{DateTime, Utc};
use muster_core::matchmaking::Pool;
use muster_store::{Answer, Question, ShardLook};

/// The answer from a pool as it is now.
pub(super) fn answer(pool: &Pool, leader_since: DateTime<Utc>, question: &Question, now: DateTime<Utc>) -> Answer {
    match question {
        Question::Explain(ticket) => Answer::Explanation(pool.explain(*ticket, now)),
        Question::Look => {
            let counts = pool.counts(now);
            Answer::Look(ShardLook {
                tickets: counts.tickets as u64,
                players: counts.players as u64,
                held_tickets: counts.held_tickets as u64,
                oldest_ms: counts.oldest.map(|oldest| oldest.as_millis() as u64),
                histogram: pool.histogram(now),
                leader_since,
                queue_version: pool.definition().version,
            })
        }
    }
}
