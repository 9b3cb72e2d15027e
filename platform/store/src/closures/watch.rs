//! What is closed, and every change to it.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::{Instant, sleep, sleep_until};

use super::{ClosedRegions, Closures};
use crate::{DomainStream, Result};

/// What the domain events are about.
pub(super) const NOUN: &str = "queue";

/// How often to look though nobody has told of a change: whoever made it may have died before telling.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Between two tries when the closures cannot be read.
const AGAIN: Duration = Duration::from_millis(250);

/// Follows the closures.
pub struct ClosureWatch {
    closures: Closures,
    news: DomainStream,
    look_at: Instant,
    seen: ClosedRegions,
}

impl Closures {
    /// What is closed, and a watch for what becomes of it: each change is there within a second of its making, and within three
    /// when the change was not told. While PostgreSQL is away nothing changes.
    pub async fn watch(&self) -> Result<(ClosedRegions, ClosureWatch)> {
        // Followed first, read then: what changes in between is found by the next look.
        let news = self.domain.subscribe(Some(NOUN)).await?;
        let seen = self.standing().await?;
        let watch =
            ClosureWatch { closures: self.clone(), news, look_at: Instant::now() + LOOK_EVERY, seen: seen.clone() };
        Ok((seen, watch))
    }
}

impl ClosureWatch {
    /// What is closed, once it differs from the last.
    pub async fn next(&mut self) -> ClosedRegions {
        loop {
            tokio::select! {
                () = sleep_until(self.look_at) => {}
                told = self.news.next() => if told.is_none() {
                    // The connection was closed; the clock goes on.
                    sleep_until(self.look_at).await;
                }
            }
            self.look_at = Instant::now() + LOOK_EVERY;
            match self.closures.standing().await {
                Ok(standing) if standing != self.seen => {
                    self.seen = standing.clone();
                    return standing;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "closed regions cannot be read; what is known stays");
                    sleep(AGAIN).await;
                    self.look_at = Instant::now();
                }
            }
        }
    }
}
