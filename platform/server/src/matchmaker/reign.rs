//! Leading a shard: standing for its lease, and keeping it beside the work, so that a long tick costs no lease.

use std::time::Duration;

use muster_store::{LEASE_TTL, Lease, LeaseError, Leases};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::Matchmaker;

/// How often a follower tries for the lease, and a leader renews it: a third of what a lease lasts.
const RENEW: Duration = Duration::from_secs(1);

/// Tries for a lease until it is ours. None: the process drains.
pub(super) async fn stand(matchmaker: &Matchmaker, name: &str) -> Option<Lease> {
    let mut tries = interval(RENEW);
    tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return None,
            _ = tries.tick() => {}
        }
        match matchmaker.store.leases.acquire(name, &matchmaker.holder).await {
            Ok(Some(lease)) => return Some(lease),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    lease = name,
                    error = &error as &dyn std::error::Error,
                    "the lease could not be asked for; trying again"
                );
            }
        }
    }
}

/// A lease that is renewed as long as this lives. Dropped without [`Reign::end`], it runs out by itself.
pub(super) struct Reign {
    stop: CancellationToken,
    over: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Reign {
    pub(super) fn begin(leases: Leases, lease: Lease) -> Self {
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        let keeper = tokio::spawn(keep(leases, lease, stop.clone(), over.clone()));
        Self { stop, over, keeper }
    }

    /// Waits until the lease is lost, or so old that it may be.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Gives the lease back, so that nobody has to wait for it to run out.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.keeper).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the keeper of a lease failed");
        }
    }
}

impl Drop for Reign {
    fn drop(&mut self) {
        // A leader that panicked must not look alive.
        if !self.keeper.is_finished() {
            self.keeper.abort();
        }
    }
}

async fn keep(leases: Leases, mut lease: Lease, stop: CancellationToken, over: CancellationToken) {
    let mut renewals = interval_at(Instant::now() + RENEW, RENEW);
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Counted from before the question: the bucket counts from when it was asked, or later.
    let mut kept = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = renewals.tick() => {}
        }
        let asked = Instant::now();
        let left = LEASE_TTL.saturating_sub(kept.elapsed());
        match timeout(left, leases.renew(&mut lease)).await {
            Ok(Ok(())) => kept = asked,
            Ok(Err(LeaseError::Store(error))) => {
                tracing::warn!(
                    lease = lease.name(),
                    error = &error as &dyn std::error::Error,
                    "the lease could not be renewed; trying again while it lasts"
                );
            }
            Ok(Err(LeaseError::Lost)) | Err(_) => return over.cancel(),
        }
    }
    let name = lease.name().to_owned();
    if let Err(LeaseError::Store(error)) = leases.release(lease).await {
        tracing::warn!(
            lease = name,
            error = &error as &dyn std::error::Error,
            "the lease could not be given back; it runs out"
        );
    }
}
