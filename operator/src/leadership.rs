//! Only one process of several acts at a time: the one that holds the Lease.
//!
//! A process that can no longer prolong its Lease stops acting before another may begin, as long as the clocks of the two
//! differ by less than a third of the Lease's duration.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{DurationSeconds, LeaseManager, LeaseManagerBuilder};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{events, settings::OperatorSettings};

/// Between two tries to reach the Lease.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Waits for the Lease, acts while it is held, gives it back at the drain. `act` is given a token that is cancelled at the
/// drain and is then waited for; when the Lease is lost it is dropped where it stands, and called again with the next Lease.
///
/// `client` must give up on an answer within [`patience`], so that a silent API server does not hide that the Lease has run out.
///
/// # Errors
/// What `act` ends with.
pub async fn lead<F>(
    client: Client,
    settings: &OperatorSettings,
    identity: &str,
    drain: CancellationToken,
    act: impl Fn(CancellationToken) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    events::leading(false);
    while !drain.is_cancelled() {
        // Another one for each term: a manager that has lost its Lease to failures believes to lead still.
        let lease = tokio::select! {
            () = drain.cancelled() => break,
            lease = held(&client, settings, identity) => lease,
        };
        events::leading(true);
        let ended = tokio::select! {
            ended = act(drain.child_token()) => Some(ended),
            () = lost(&lease, patience(settings)) => None,
        };
        events::leading(false);
        if let Some(ended) = ended {
            // Whatever it ended with, somebody else may act at once.
            if let Err(error) = lease.release().await {
                events::lease_failed(&error);
            }
            return ended;
        }
    }
    Ok(())
}

/// How long prolonging may fail before the process stops acting.
pub fn patience(settings: &OperatorSettings) -> Duration {
    Duration::from_secs(grace(settings)).mul_f64(0.6)
}

/// How long before its end a Lease is prolonged, in seconds.
fn grace(settings: &OperatorSettings) -> DurationSeconds {
    (settings.lease_duration.as_secs() / 3).max(1)
}

/// Returns with the Lease when this process holds it.
async fn held(client: &Client, settings: &OperatorSettings, identity: &str) -> LeaseManager {
    loop {
        match try_hold(client, settings, identity).await {
            Ok(lease) => return lease,
            Err(error) => {
                events::lease_failed(&error);
                sleep(TRY_AGAIN).await;
            }
        }
    }
}

async fn try_hold(
    client: &Client,
    settings: &OperatorSettings,
    identity: &str,
) -> kube_lease_manager::Result<LeaseManager> {
    let namespace = match settings.lease_namespace.as_str() {
        "" => client.default_namespace(),
        namespace => namespace,
    };
    let lease = LeaseManagerBuilder::new(client.clone(), &settings.lease_name)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_field_manager(format!("muster-operator-{identity}"))
        .with_duration(settings.lease_duration.as_secs())
        .with_grace(grace(settings))
        .build()
        .await?;
    while !lease.changed().await? {}
    Ok(lease)
}

/// Prolongs the Lease, and returns when it is lost or could not be prolonged for `patience`.
async fn lost(lease: &LeaseManager, patience: Duration) {
    let mut failing_since = None;
    loop {
        match lease.changed().await {
            Ok(true) => failing_since = None,
            Ok(false) => return,
            Err(error) => {
                events::lease_failed(&error);
                if failing_since.get_or_insert_with(Instant::now).elapsed() > patience {
                    return;
                }
                sleep(TRY_AGAIN.min(patience / 4)).await;
            }
        }
    }
}
