//! Every queue there is, and every change to one.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use async_nats::jetstream::kv::{self, Operation};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use muster_core::matchmaking::QueueDefinition;
use tokio::time::{Instant, timeout_at};

use super::Queues;
use super::publish::{Message, state};
use crate::error::NatsResult;
use crate::{Result, StoreError, codec};

/// How long to wait before watching again after the watch broke.
const AGAIN: Duration = Duration::from_millis(250);

/// How often to look whether the bucket is still the one that is watched. A watch mends itself when the connection breaks, but
/// waits for ever for the numbers of a bucket that was lost and made anew.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Queues as they are, then as they become; it never ends. A queue's versions come in order, each at most once; of several
/// changes in a short time only the last may come.
pub struct QueueWatch {
    queues: BoxStream<'static, QueueDefinition>,
}

impl Stream for QueueWatch {
    type Item = QueueDefinition;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<QueueDefinition>> {
        self.queues.poll_next_unpin(context)
    }
}

impl Queues {
    /// All queues there are (the first items, by name), then each change within a second of its making. It mends itself when
    /// the connection to NATS breaks.
    pub async fn watch(&self) -> Result<QueueWatch> {
        // The watch is there before PostgreSQL is read, so what changes in between is seen by one of them.
        let watch = Watching::begin(self).await?;
        let known = self.list().await?;
        let versions = known.iter().map(|queue| (queue.name.clone(), queue.version)).collect();
        let following = Following { queues: self.clone(), watch: Some(watch), versions };
        let changes = stream::unfold(following, async |mut following| {
            let next = following.next().await;
            Some((next, following))
        });
        Ok(QueueWatch { queues: stream::iter(known).chain(changes).boxed() })
    }
}

/// A watch of one bucket.
struct Watching {
    made_at: SystemTime,
    entries: kv::Watch,
    look_at: Instant,
}

impl Watching {
    async fn begin(queues: &Queues) -> Result<Self> {
        let bucket = queues.bucket().await?;
        let (made_at, _) = state(&bucket);
        // With history: what is in the bucket now comes first, so nothing is missed between two watches.
        let entries = bucket.watch_with_history(">").await.doing("watching queues")?;
        Ok(Self { made_at, entries, look_at: Instant::now() + LOOK_EVERY })
    }

    /// The next entry.
    async fn next(&mut self, queues: &Queues) -> Result<kv::Entry> {
        loop {
            match timeout_at(self.look_at, self.entries.next()).await {
                Ok(Some(entry)) => return entry.doing("watching queues"),
                Ok(None) => return Err(StoreError::TimedOut("the watch of queues")),
                Err(_) => {
                    self.look_at = Instant::now() + LOOK_EVERY;
                    if state(&queues.bucket().await?).0 != self.made_at {
                        return Err(StoreError::corrupt("the bucket of queues", "it was made anew"));
                    }
                }
            }
        }
    }
}

struct Following {
    queues: Queues,
    watch: Option<Watching>,
    /// What was given out last, of each queue.
    versions: HashMap<String, u32>,
}

impl Following {
    async fn next(&mut self) -> QueueDefinition {
        loop {
            match self.entry().await {
                Ok(entry) if entry.operation == Operation::Put => match codec::from_message("a queue", &entry.value) {
                    Ok(Message { queue }) if self.is_news(&queue) => return queue,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(queue = entry.key, %error, "skipping a queue"),
                },
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "queues cannot be watched; trying again");
                    self.watch = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn entry(&mut self) -> Result<kv::Entry> {
        let watch = match &mut self.watch {
            Some(watch) => watch,
            None => self.watch.insert(Watching::begin(&self.queues).await?),
        };
        watch.next(&self.queues).await
    }

    fn is_news(&mut self, queue: &QueueDefinition) -> bool {
        let known = self.versions.entry(queue.name.clone()).or_default();
        let news = queue.version > *known;
        *known = queue.version.max(*known);
        news
    }
}
