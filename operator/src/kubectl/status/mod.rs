//! `status`: everything at a glance.

mod overview;
mod show;

use std::time::Duration;

use clap::Args;
use futures::try_join;
use jiff::Timestamp;

pub use overview::Overview;
pub use show::text;

use super::{
    cluster::Cluster,
    exit::Exit,
    follow::{Waited, length, until},
    problem::Problem,
    screen::Screen,
};
use crate::crd::{Region, RegionAutoscaler, SecretRotation};

/// What `status` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster status                          in the context's namespace
  kubectl muster status -A                       in all of them
  kubectl muster status --wait --timeout 5m && echo deployed
  kubectl muster status -A -o json | jq '.regions[] | select(.ready != \"Ready\") | .name'

READY is `yes` when the operator says that the newest spec is in force, `no` when it says that it is not, and `unknown` when it \
has not spoken of it yet. A resource that was stored before a rule was tightened may be `unreadable`: it is told by its name and why, \
and the others as usual.

Exit codes: 0 everything is Ready; 1 something is not (with --wait: not in time); 2 it cannot be told: no cluster, not allowed, \
nothing there, or the operator has not spoken of the newest spec; 3 a resource is unreadable, whatever the others are.")]
pub struct Arguments {
    /// In all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Wait until everything is Ready
    #[arg(long)]
    wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = length, requires = "wait")]
    timeout: Duration,
}

/// Shows it, at once or when everything is Ready.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let all = arguments.all_namespaces;
    let mut overview = look(cluster, all).await?;
    let mut waited = Waited::So(());
    if arguments.wait && overview.exit() != Exit::Done {
        let mut told = String::new();
        waited = until(Some(arguments.timeout), async || {
            overview = look(cluster, all).await?;
            let now = overview.waits_for();
            if now != told {
                screen.progress(&now);
                told = now;
            }
            Ok((overview.exit() == Exit::Done).then_some(()))
        })
        .await?;
    }
    let text = text(&overview, *screen, all, &cluster.namespace, Timestamp::now());
    screen.result(&overview, &text);
    Ok(match waited {
        Waited::So(()) => overview.exit(),
        Waited::TimedOut => {
            screen.progress(&format!("Not everything was Ready within {:?}.", arguments.timeout));
            overview.exit()
        }
        Waited::Interrupted => Exit::Interrupted,
    })
}

/// What there is of Muster's resources now.
///
/// # Errors
/// The API server cannot be asked.
pub async fn look(cluster: &Cluster, all: bool) -> Result<Overview, Problem> {
    let (mut regions, mut autoscalers, mut rotations) = try_join!(
        cluster.all::<Region>(all),
        cluster.all::<RegionAutoscaler>(all),
        cluster.all::<SecretRotation>(all)
    )?;
    let mut unreadable = std::mem::take(&mut regions.unreadable);
    unreadable.append(&mut autoscalers.unreadable);
    unreadable.append(&mut rotations.unreadable);
    Ok(Overview::of(&regions.readable, &autoscalers.readable, &rotations.readable, unreadable))
}
