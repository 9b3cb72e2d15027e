//! `undrain`: lets a region take players again, and follows until it does.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{
    cluster::Cluster,
    exit::Exit,
    find::find,
    follow::{Waited, length, until},
    problem::Problem,
    screen::Screen,
    standing::Verdict,
    subject::region_standing,
};
use crate::crd::{Region, region::RegionState};

/// What `undrain` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster undrain eu-west                 follows until it is Ready
  kubectl muster undrain eu-west --no-wait       only tells it
  kubectl muster undrain eu-west --force         also when it is Disabled

It sets `spec.state: Active`. A drain that is under way ends at once: matches that run go on, and players come in again.

Exit codes: 0 it is Ready (with --no-wait: it was told); 1 it was not in time, or it is Disabled; 2 it cannot be told.")]
pub struct Arguments {
    /// The Region
    #[arg(value_name = "REGION")]
    region: String,
    /// Also a region that is Disabled
    #[arg(long)]
    force: bool,
    /// Do not follow it
    #[arg(long)]
    no_wait: bool,
    /// Follow it no longer than this
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = length)]
    timeout: Duration,
}

/// How it went.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    namespace: &'a str,
    region: &'a str,
    /// `Asked`, `Active`, `NotInTime`, `Interrupted`.
    outcome: &'static str,
    ready: Verdict,
    reason: &'a str,
    message: &'a str,
}

/// Tells it to take players, and follows.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let (name, namespace) = (arguments.region.as_str(), cluster.namespace.as_str());
    let mut region: Region = find(cluster, name).await?;
    match region.spec.state {
        RegionState::Disabled if !arguments.force => {
            return Err(Problem::refused(
                format!("The Region {name} is Disabled, which somebody has set: it does not drain."),
                "To let it take players all the same, add --force.",
            ));
        }
        RegionState::Active => screen.progress(&format!("{name} is Active already.")),
        RegionState::Draining | RegionState::Disabled => {
            region = cluster.change(name, &json!({ "spec": { "state": "Active" } })).await?;
            screen.progress(&format!("{name} is told to take players."));
        }
    }
    let mut standing = region_standing(&region);
    let mut waited = Waited::So(());
    if !arguments.no_wait {
        let mut told = String::new();
        waited = until(Some(arguments.timeout), async || {
            standing = region_standing(&find::<Region>(cluster, name).await?);
            let now = format!("{name}: {}", standing.message);
            if standing.ready != Verdict::Ready && now != told {
                screen.progress(&now);
                told = now;
            }
            Ok((standing.ready == Verdict::Ready).then_some(()))
        })
        .await?;
    }
    let why = format!("kubectl muster why region/{name} -n {namespace}");
    let (exit, outcome, message) = match waited {
        Waited::So(()) if arguments.no_wait => (Exit::Done, "Asked", format!("{name} is told to take players.")),
        Waited::So(()) => (Exit::Done, "Active", format!("{name} takes players: {}", standing.message)),
        Waited::TimedOut => (
            Exit::NotDone,
            "NotInTime",
            format!("{name} is not Ready yet: {} It goes on. Why: {why}", standing.message),
        ),
        Waited::Interrupted => (Exit::Interrupted, "Interrupted", format!("{name} goes on. How far it is: {why}")),
    };
    let (ready, reason) = (standing.ready, standing.reason.as_str());
    screen.outcome(&Outcome { namespace, region: name, outcome, ready, reason, message: &message }, &message);
    Ok(exit)
}
