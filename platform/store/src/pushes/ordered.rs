//! Pushes as a socket wants them: every one, once, in order.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::StreamExt;
use muster_core::id::PlayerId;
use tokio::time::{Instant, timeout_at};

use super::{PushItem, PushStream, Pushes};
use crate::Result;

/// How often to look for a push that NATS lost, unseen. Only a broken connection loses one so, and Redis when it forgets where the
/// player's socket is: this is about the last resort. Anywhere in the range, so that sockets which opened together do not look together.
const LOOK_EVERY: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(20);

/// A player's pushes after a number: every one, once, in order.
pub struct OrderedPushes {
    pushes: Pushes,
    player: PlayerId,
    live: PushStream,
    ready: VecDeque<PushItem>,
    last: u64,
    look_at: Instant,
}

/// What `OrderedPushes::next` finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPush {
    /// The next push.
    Item(PushItem),
    /// Pushes are missing and not kept any more: the client has to fetch its state anew. What follows comes after this number.
    Gap {
        /// The number to go on from.
        seq: u64,
    },
}

impl Pushes {
    /// A player's pushes after `last_seq`, mended where NATS brought them out of order or not at all.
    pub async fn ordered(&self, player: PlayerId, last_seq: u64) -> Result<OrderedPushes> {
        let live = self.subscribe(player).await?;
        // In the past: the first thing to do is to look at what is kept.
        let look_at = Instant::now();
        Ok(OrderedPushes { pushes: self.clone(), player, live, ready: VecDeque::new(), last: last_seq, look_at })
    }
}

impl OrderedPushes {
    /// The number of the last push that was given out.
    pub fn last_seq(&self) -> u64 {
        self.last
    }

    /// Waits for the next push. May be dropped while waiting; nothing is lost by it. While nobody waits, a few pushes are at hand
    /// and those after them are read from the buffer. None: the connection is closed for good.
    pub async fn next(&mut self) -> Result<Option<NextPush>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                self.last = item.seq;
                return Ok(Some(NextPush::Item(item)));
            }
            if self.live.missed() {
                self.look_at = Instant::now();
            }
            match timeout_at(self.look_at, self.live.next()).await {
                Ok(None) => return Ok(None),
                Ok(Some(item)) if item.seq <= self.last => {}
                Ok(Some(item)) if item.seq == self.last + 1 => self.ready.push_back(item),
                // Something is missing before this one, or it is time to look.
                Ok(Some(_)) | Err(_) => {
                    // Should the caller drop this while it looks, the next call looks again.
                    self.look_at = Instant::now();
                    // Boxed: it comes rarely, and must not take room while nothing happens.
                    if let Some(gap) = Box::pin(self.look()).await? {
                        return Ok(Some(gap));
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Option<NextPush>> {
        let replay = self.pushes.since_here(self.player, self.last).await?;
        self.look_at = Instant::now() + rand::random_range(LOOK_EVERY);
        if replay.complete {
            self.ready.extend(replay.items);
            return Ok(None);
        }
        self.last = replay.seq;
        Ok(Some(NextPush::Gap { seq: replay.seq }))
    }
}
