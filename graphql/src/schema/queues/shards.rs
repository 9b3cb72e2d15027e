//! Who waits in a queue now, as its leaders say: only they have the pools.

use async_graphql::{Enum, SimpleObject};
use muster_core::matchmaking::Bucket;
use muster_store::{Answer, AskError, Question, Shard, ShardLook, Store};

use crate::schema::{errors::ApiError, time::Time};

/// Who waits in a queue, in all its shards together.
#[derive(SimpleObject)]
pub struct QueueLive {
    /// Tickets that wait.
    tickets_waiting: u64,
    /// Their players; null while a shard in which tickets wait has no leader to ask.
    players_waiting: Option<u64>,
    /// How long the oldest has waited, in milliseconds; null when none waits, and while a shard in which tickets wait has no
    /// leader to ask.
    oldest_wait_ms: Option<u64>,
    /// Whether every shard has a leader.
    led: bool,
}

impl QueueLive {
    pub(super) fn of(shards: &[QueueShard]) -> Self {
        let known = shards.iter().all(|shard| shard.tickets == 0 || shard.players.is_some());
        Self {
            tickets_waiting: shards.iter().map(|shard| shard.tickets).sum(),
            players_waiting: known.then(|| shards.iter().filter_map(|shard| shard.players).sum()),
            oldest_wait_ms: shards.iter().filter_map(|shard| shard.oldest_wait_ms).max().filter(|_| known),
            led: shards.iter().all(|shard| shard.leader == ShardLeader::Leads),
        }
    }
}

/// Whether a shard has a leader, and so an answer.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShardLeader {
    /// A matchmaker leads the shard, and answered.
    Leads,
    /// No matchmaker leads the shard at the moment: nothing is matched there.
    None,
    /// A matchmaker leads the shard, but did not answer in time.
    Silent,
}

/// A part of a queue, with a matchmaker and a pool of its own: a group of regions.
#[derive(SimpleObject)]
pub struct QueueShard {
    /// The group's name; `all` where the queue has no groups.
    group: String,
    /// Whether its leader answered. Unless it did, what only the leader knows is null.
    leader: ShardLeader,
    /// Since when the leader leads.
    leader_since: Option<Time>,
    /// The version of the queue that the leader matches by.
    queue_version: Option<u32>,
    /// Tickets that wait.
    tickets: u64,
    /// Their players.
    players: Option<u64>,
    /// Of the tickets, those that are proposed to each other and not claimed yet.
    held_tickets: Option<u64>,
    /// How long the oldest has waited, in milliseconds; null also when none waits.
    oldest_wait_ms: Option<u64>,
    /// Who waits by rating in points, 100 to a bucket, without gaps; 64 at most.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Buckets.of(child_complexity)")]
    histogram_by_rating: Option<Vec<HistogramBucket>>,
    /// Who waits by wait in seconds: from 0, 1, 5, 10, 20, 30, 60, 120 and 300 on.
    #[graphql(complexity = "crate::schema::cost::Reckoned::Buckets.of(child_complexity)")]
    histogram_by_wait: Option<Vec<HistogramBucket>>,
}

/// Who waits between two bounds.
#[derive(SimpleObject, Clone)]
pub struct HistogramBucket {
    /// From this on.
    from: f64,
    /// Up to this, excluded; null when there is no end.
    to: Option<f64>,
    /// Tickets.
    tickets: u32,
    /// Their players.
    players: u32,
}

impl QueueShard {
    /// A shard as its leader sees it; `waiting` tickets are there by the store's count, should there be no leader.
    pub(super) async fn ask(store: &Store, shard: Shard, waiting: u64) -> Result<Self, ApiError> {
        match store.matchmaker_calls.ask(&shard, &Question::Look).await {
            Ok(Answer::Look(look)) => Ok(Self::seen(shard, look)),
            Ok(Answer::Explanation(_)) | Err(AskError::TimedOut) => {
                Ok(Self::unseen(shard, waiting, ShardLeader::Silent))
            }
            Err(AskError::NoLeader) => Ok(Self::unseen(shard, waiting, ShardLeader::None)),
            Err(AskError::Store(error)) => Err(ApiError::internal("look_at_shard")(error)),
        }
    }

    fn seen(shard: Shard, look: ShardLook) -> Self {
        let buckets =
            |buckets: Vec<Bucket>| Some::<Vec<HistogramBucket>>(buckets.into_iter().map(Into::into).collect());
        Self {
            group: shard.group,
            leader: ShardLeader::Leads,
            leader_since: Some(Time(look.leader_since)),
            queue_version: Some(look.queue_version),
            tickets: look.tickets,
            players: Some(look.players),
            held_tickets: Some(look.held_tickets),
            oldest_wait_ms: look.oldest_ms,
            histogram_by_rating: buckets(look.histogram.by_rating),
            histogram_by_wait: buckets(look.histogram.by_wait),
        }
    }

    fn unseen(shard: Shard, waiting: u64, leader: ShardLeader) -> Self {
        Self {
            group: shard.group,
            leader,
            leader_since: None,
            queue_version: None,
            tickets: waiting,
            players: None,
            held_tickets: None,
            oldest_wait_ms: None,
            histogram_by_rating: None,
            histogram_by_wait: None,
        }
    }
}

impl From<Bucket> for HistogramBucket {
    fn from(bucket: Bucket) -> Self {
        Self { from: bucket.from, to: bucket.to, tickets: bucket.tickets, players: bucket.players }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(tickets: u64, oldest_wait_ms: Option<u64>) -> QueueShard {
        QueueShard { leader: ShardLeader::Leads, tickets, players: Some(tickets * 2), oldest_wait_ms, ..unled(0) }
    }

    fn unled(tickets: u64) -> QueueShard {
        QueueShard::unseen(Shard::new("a", "all"), tickets, ShardLeader::None)
    }

    #[test]
    fn what_no_leader_tells_is_not_made_up() {
        let all = QueueLive::of(&[led(3, Some(50)), led(1, Some(700))]);
        assert_eq!(
            (all.tickets_waiting, all.players_waiting, all.oldest_wait_ms, all.led),
            (4, Some(8), Some(700), true)
        );
        let some = QueueLive::of(&[led(3, Some(50)), unled(2)]);
        assert_eq!((some.tickets_waiting, some.players_waiting, some.oldest_wait_ms, some.led), (5, None, None, false));
        let quiet = QueueLive::of(&[led(3, Some(50)), unled(0)]);
        assert_eq!((quiet.players_waiting, quiet.oldest_wait_ms, quiet.led), (Some(6), Some(50), false));
        let empty = QueueLive::of(&[unled(0)]);
        assert_eq!((empty.tickets_waiting, empty.players_waiting, empty.oldest_wait_ms), (0, Some(0), None));
    }
}
