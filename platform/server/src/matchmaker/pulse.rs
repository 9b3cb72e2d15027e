//! The beat of all shards that this process leads. One look at Redis a tick, for all of them together, tells each whether its
//! tickets have changed: so a shard in which nothing happens costs next to nothing, and a new ticket is still seen within a tick.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_store::{Shard, Store};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::urgency::Urgency;

/// Longest wait for one look.
const PATIENCE: Duration = Duration::from_secs(1);
/// Without a look for so long, another process had better lead: its Redis may answer.
const DEAF_AFTER: Duration = Duration::from_secs(3);

/// Longest wait for a crowd to be let into the queues: those who wait for their first answer come before those who have it, and one
/// pass over all of them finds better matches than one over half.
const CROWD: Duration = Duration::from_millis(50);

/// What a shard hears every tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing yet.
    None,
    /// The newest change to the shard's tickets has this number.
    Revision {
        /// Counts the ticks: so that two beats of the same revision are two.
        tick: u64,
        /// As `Tickets::changes` counts.
        revision: u64,
    },
    /// Redis has not answered for some time.
    Deaf,
}

/// Where shards register for the beat.
#[derive(Clone, Default)]
pub(super) struct Pulse(Arc<Mutex<HashMap<Shard, watch::Sender<Beat>>>>);

/// A shard's place at the pulse; leaves when it is dropped.
pub(super) struct Beats {
    pulse: Pulse,
    shard: Shard,
    receiver: watch::Receiver<Beat>,
}

impl Pulse {
    /// Beats for a shard from now on.
    pub(super) fn join(&self, shard: &Shard) -> Beats {
        let (sender, receiver) = watch::channel(Beat::None);
        self.led().insert(shard.clone(), sender);
        Beats { pulse: self.clone(), shard: shard.clone(), receiver }
    }

    /// Beats every `tick` until the process drains. When a crowd comes to the queues through this process, the beat is as soon as
    /// all of it is in, earlier or later; but no sooner than half a tick after the last.
    pub(super) async fn run(self, store: Store, tick: Duration, crowd: Urgency, drain: CancellationToken) {
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut last = Instant::now();
        let mut count = 0;
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                _ = ticks.tick() => crowd.calm(CROWD).await,
                () = crowd.hurries() => {
                    crowd.calm(CROWD).await;
                    sleep_until(last + tick / 2).await;
                    ticks.reset();
                }
            }
            last = Instant::now();
            count += 1;
            let shards: Vec<Shard> = self.led().keys().cloned().collect();
            if shards.is_empty() {
                heard = Instant::now();
                continue;
            }
            match timeout(PATIENCE, store.tickets.revisions(&shards)).await {
                Ok(Ok(revisions)) => {
                    heard = Instant::now();
                    for (shard, revision) in shards.iter().zip(revisions) {
                        self.tell(shard, Beat::Revision { tick: count, revision });
                    }
                    continue;
                }
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the tickets' revisions could not be read; trying again"
                    );
                }
                Err(_) => tracing::warn!("Redis does not tell the tickets' revisions; trying again"),
            }
            if heard.elapsed() >= DEAF_AFTER {
                shards.iter().for_each(|shard| self.tell(shard, Beat::Deaf));
            }
        }
    }

    fn tell(&self, shard: &Shard, beat: Beat) {
        if let Some(sender) = self.led().get(shard) {
            sender.send_replace(beat);
        }
    }

    fn led(&self) -> MutexGuard<'_, HashMap<Shard, watch::Sender<Beat>>> {
        // Each change of the map is one call, so it is whole even if a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beats {
    /// Waits for the next beat; those that were missed meanwhile are one.
    pub(super) async fn next(&mut self) -> Beat {
        match self.receiver.changed().await {
            Ok(()) => *self.receiver.borrow_and_update(),
            // Another leader of the same shard took the place: there is one at a time, so this one is about to end.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.pulse.led().remove(&self.shard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(group: &str) -> Shard {
        Shard { queue: "classic".to_owned(), group: group.to_owned() }
    }

    #[tokio::test]
    async fn a_shard_hears_the_newest_beat_once() {
        let pulse = Pulse::default();
        let mut beats = pulse.join(&shard("eu"));
        for tick in 1..=3 {
            pulse.tell(&shard("eu"), Beat::Revision { tick, revision: 7 });
        }
        assert_eq!(beats.next().await, Beat::Revision { tick: 3, revision: 7 });
        assert!(timeout(Duration::from_millis(20), beats.next()).await.is_err(), "there is no other");
    }

    #[test]
    fn a_shard_that_is_dropped_is_not_asked_for() {
        let pulse = Pulse::default();
        let (eu, us) = (pulse.join(&shard("eu")), pulse.join(&shard("us")));
        assert_eq!(pulse.led().len(), 2);
        drop(eu);
        assert_eq!(pulse.led().keys().collect::<Vec<_>>(), [&shard("us")]);
        drop(us);
        pulse.tell(&shard("us"), Beat::Deaf);
    }
}
