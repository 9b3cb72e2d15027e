//! Runs the controller of Regions.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::{FutureExt, Stream, stream};
use kube::{
    Client,
    runtime::{Controller, Predicate, PredicateConfig, WatchStreamExt, predicates},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Regions, closures::Closures, objects::Kind, owned::Owned, platform::Metrics};
use crate::{
    context::Context,
    crd::Region,
    reconcile::{drive, readable},
};

/// Regions whose objects have changed and that were not looked at yet.
const CHANGES: usize = 1024;
/// Between two looks whether the cluster knows PodMonitors by now.
const LOOK_FOR_MONITORS: Duration = Duration::from_secs(60);

/// Looks after all Regions until `term` is cancelled.
///
/// # Errors
/// No HTTP client can be made.
pub async fn run(context: Context, term: CancellationToken) -> anyhow::Result<()> {
    let platform = Metrics::new().context("no HTTP client can be made")?;
    let closures = Closures::new().context("no HTTP client can be made")?;
    let (changed, changes) = mpsc::channel(CHANGES);
    let (monitors, monitors_known) = mpsc::channel(1);
    let owned = Arc::new(Owned::new(context.clone(), changed));
    // Dropped with this future, and the watches with it.
    let mut watches = JoinSet::new();
    for kind in Kind::BUILT_IN {
        watches.spawn(owned.clone().follow(kind, term.clone()));
    }
    watches.spawn(follow_monitors(context.client.clone(), owned.clone(), monitors, term.clone()));
    // Before that everything would seem to be missing.
    tokio::select! {
        () = owned.filled(&Kind::BUILT_IN) => {}
        () = term.cancelled() => return Ok(()),
    }

    let (regions, reader) = readable::<Region>(&context);
    // Not the operator's own writes of the status.
    let regions = regions.predicate_filter(
        predicates::generation.combine(predicates::annotations).combine(predicates::finalizers),
        PredicateConfig::default(),
    );
    let controller = Controller::for_stream(regions, reader)
        .reconcile_on(received(changes))
        .reconcile_all_on(received(monitors_known));
    drive(controller, Regions { context, owned, platform, closures }, term).await;
    Ok(())
}

/// Follows PodMonitors as soon as the cluster knows them, and tells it once.
async fn follow_monitors(client: Client, owned: Arc<Owned>, known: mpsc::Sender<()>, term: CancellationToken) {
    while !knows_monitors(&client).await {
        tokio::select! {
            () = tokio::time::sleep(LOOK_FOR_MONITORS) => {}
            () = term.cancelled() => return,
        }
    }
    let told = owned.filled(&[Kind::PodMonitor]).then(|()| async {
        // Nobody listens any more only when this process no longer acts.
        let _ = known.send(()).await;
    });
    tokio::join!(owned.clone().follow(Kind::PodMonitor, term.clone()), async {
        tokio::select! {
            () = told => {}
            () = term.cancelled() => {}
        }
    });
}

async fn knows_monitors(client: &Client) -> bool {
    let resource = Kind::PodMonitor.resource();
    let known = client.list_api_group_resources(&resource.api_version).await;
    known.is_ok_and(|known| known.resources.iter().any(|known| known.kind == resource.kind))
}

fn received<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> + Send + 'static {
    stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) })
}
