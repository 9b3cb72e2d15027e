//! Pushes as a socket wants them: every one, once, in order.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt;
use muster_core::id::PlayerId;
use tokio::time::{Instant, timeout_at};

use super::{PushItem, PushStream, Pushes};
use crate::Result;

/// How often to look for a push that NATS lost. Only a broken connection loses one, so this is about the last resort.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How many pushes wait for a caller who is busy.
const HELD: usize = 32;

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

    /// Waits for the next push. May be dropped while waiting; nothing is lost by it. None: the connection is closed for good.
    pub async fn next(&mut self) -> Result<Option<NextPush>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                self.last = item.seq;
                return Ok(Some(NextPush::Item(item)));
            }
            match timeout_at(self.look_at, self.live.next()).await {
                Ok(None) => return Ok(None),
                Ok(Some(item)) if item.seq <= self.last => {}
                Ok(Some(item)) if item.seq == self.last + 1 => self.ready.push_back(item),
                // Something is missing before this one, or it is time to look.
                Ok(Some(_)) | Err(_) => {
                    // Should the caller drop this while it looks, the next call looks again.
                    self.look_at = Instant::now();
                    if let Some(gap) = self.look().await? {
                        return Ok(Some(gap));
                    }
                }
            }
        }
    }

    /// Takes in what comes while the caller is busy telling what came before: a few pushes wait here, those after them are let go
    /// and read from the buffer when their turn comes. So what waits for a reader that has stopped is bounded. Never ends; may be
    /// dropped at any time.
    pub async fn hold(&mut self) -> Infallible {
        while let Some(item) = self.live.next().await {
            let newest = self.ready.back().map_or(self.last, |item| item.seq);
            if item.seq == newest + 1 && self.ready.len() < HELD {
                self.ready.push_back(item);
            } else if item.seq > newest {
                self.look_at = Instant::now();
            }
        }
        std::future::pending().await
    }

    async fn look(&mut self) -> Result<Option<NextPush>> {
        let replay = self.pushes.since(self.player, self.last).await?;
        self.look_at = Instant::now() + LOOK_EVERY;
        if replay.complete {
            self.ready.extend(replay.items);
            return Ok(None);
        }
        self.last = replay.seq;
        Ok(Some(NextPush::Gap { seq: replay.seq }))
    }
}
