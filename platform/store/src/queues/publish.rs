//! The bucket `queues`: what every process reads.

use std::time::SystemTime;

use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use bytes::Bytes;
use muster_core::matchmaking::QueueDefinition;
use serde::{Deserialize, Serialize};

use super::Queues;
use crate::error::NatsResult;
use crate::{Result, StoreError, codec, streams};

const WHAT: &str = "publishing a queue";

/// How often a write may be overtaken by another before this gives up; each time somebody else has published something.
const TRIES: usize = 16;

/// A queue as the bucket has it: inside an object, for a queue refuses fields that are not its own.
#[derive(Serialize, Deserialize)]
pub(super) struct Message<Q> {
    pub queue: Q,
}

fn message(queue: &QueueDefinition) -> Bytes {
    codec::to_message(&Message { queue })
}

/// What was found the same in PostgreSQL and in the bucket.
#[derive(PartialEq)]
pub(super) struct Published {
    /// The bucket, by when it was made, and the number of its last change.
    bucket: (SystemTime, u64),
    queues: Vec<QueueDefinition>,
}

impl Queues {
    /// Brings the bucket up to PostgreSQL, and tells how many queues were not. Any number of processes may do so, at any time;
    /// when nothing has changed it costs one query and one request.
    pub async fn publish(&self) -> Result<u64> {
        let mut published = self.published.lock().await;
        let bucket = self.bucket().await?;
        let now = Published { bucket: state(&bucket), queues: self.list().await? };
        if published.as_ref() == Some(&now) {
            return Ok(0);
        }
        let mut written = 0;
        for queue in &now.queues {
            let there = bucket.get(&queue.name).await.doing(WHAT)?;
            if there.is_none_or(|there| there != message(queue)) && self.bring_up(&queue.name).await? {
                written += 1;
            }
        }
        // What was looked at is what is remembered: should anything have changed meanwhile, the next look begins anew.
        *published = (written == 0).then_some(now);
        Ok(written)
    }

    /// Brings one queue up to PostgreSQL. False when it was.
    ///
    /// The bucket is read before PostgreSQL and written only when it is as it was read, so an older version never replaces a
    /// newer one for good: whoever commits last reads its own commit, and writes it or meets somebody who will.
    pub(super) async fn bring_up(&self, name: &str) -> Result<bool> {
        let bucket = self.bucket().await?;
        for _ in 0..TRIES {
            let there = bucket.entry(name).await.doing(WHAT)?.filter(|entry| entry.operation == kv::Operation::Put);
            let Some(queue) = self.get(name).await? else { return Ok(false) };
            let message = message(&queue);
            let written = match there {
                Some(there) if there.value == message => return Ok(false),
                Some(there) => match bucket.update(name, message, there.revision).await {
                    Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => continue,
                    written => written.doing(WHAT),
                },
                None => match bucket.create(name, message).await {
                    Err(error) if error.kind() == CreateErrorKind::AlreadyExists => continue,
                    written => written.doing(WHAT),
                },
            };
            return written.map(|_| true);
        }
        Err(StoreError::TimedOut("the bucket of queues"))
    }

    /// Opened anew each time, which tells its state; a bucket that was lost and made again is another one.
    pub(super) async fn bucket(&self) -> Result<kv::Store> {
        self.nats.jetstream.get_key_value(self.nats.bucket(streams::QUEUES)).await.doing("opening the bucket of queues")
    }
}

/// When the bucket was made, and the number of its last change: as they were when it was opened.
pub(super) fn state(bucket: &kv::Store) -> (SystemTime, u64) {
    let info = &bucket.stream.cached_info();
    (info.created.into(), info.state.last_sequence)
}
