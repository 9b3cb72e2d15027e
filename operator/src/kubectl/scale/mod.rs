//! `scale`: how many processes of a role a region runs, through the Region's own field.
//!
//! The operator makes the Deployment so, unless somebody else has set its `spec.replicas`: that number is theirs ([`owners`]). So what
//! is in the way is told, and only with `--force` taken out of it.

mod owners;

use std::time::Duration;

use clap::Args;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api,
    api::{ApiResource, DynamicObject},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    exit::Exit,
    find::{find, look},
    follow::{Waited, length, until},
    problem::Problem,
    roles::role,
    screen::Screen,
};
use crate::{
    crd::{Region, RegionAutoscaler, ServerRole, region::RegionState},
    reconcile::is_paused,
    region::objects::process_name,
};

/// What `scale` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster scale eu-west gateway 6
  kubectl muster scale eu-west referee 0 --no-wait
  kubectl muster scale eu-west gateway 6 --force    also against an autoscaler, which is paused

It sets `replicas` of the role in the Region's `spec.roles`; the operator makes the Deployment so. When a RegionAutoscaler, a \
HorizontalPodAutoscaler or a person has set the Deployment itself, the Region leaves that alone, and so this refuses. With --force \
it pauses the RegionAutoscaler (annotation muster.dev/paused) and hands the number back to the Region. Take the annotation away, and \
the autoscaler decides again.

Exit codes: 0 the Deployment is told so (with --no-wait: the Region is); 1 refused, or not in time; 2 it cannot be told.")]
pub struct Arguments {
    /// The Region
    #[arg(value_name = "REGION")]
    region: String,
    /// The role: gateway, matchmaker, referee, writer
    #[arg(value_name = "ROLE", value_parser = role)]
    role: ServerRole,
    /// How many processes
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(i32).range(0..=1000))]
    count: i32,
    /// Also when somebody else decides the number
    #[arg(long)]
    force: bool,
    /// Do not wait until the Deployment has it
    #[arg(long)]
    no_wait: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = length)]
    timeout: Duration,
}

/// How it went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    namespace: &'a str,
    region: &'a str,
    role: ServerRole,
    /// `Scaled`, `Asked`, `Stored`, `NotInTime`, `Interrupted`.
    outcome: &'static str,
    /// What the role had before; nothing when it had the Region's `replicas`.
    before: Option<i32>,
    count: i32,
    /// RegionAutoscalers that were paused over it.
    paused: Vec<String>,
    message: String,
}

/// How often a change is tried while others change the same Region.
const TRIES: usize = 10;

/// Sets the number, and waits until the Deployment has it.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let (name, role, count) = (arguments.region.as_str(), arguments.role, arguments.count);
    let region: Region = find(cluster, name).await?;
    let before = known_role(&region, role)?;
    let deployment = process_name(&region, role);
    let autoscalers = autoscalers(cluster, screen, name, role).await?;
    let there = look::<Deployment>(cluster, &deployment).await?;
    let others = |autoscaled| there.as_ref().map(|there| owners::others(there, autoscaled)).unwrap_or_default();
    if !arguments.force {
        in_the_way(name, role, &autoscalers, &others(!autoscalers.is_empty()))?;
    }

    // All of it or nothing: else who may do only a part would leave an autoscaler paused, and the number as it was.
    cluster.may_change::<Region>(name).await?;
    for autoscaler in &autoscalers {
        cluster.may_change::<RegionAutoscaler>(autoscaler).await?;
    }
    if !others(true).is_empty() {
        cluster.may_change::<Deployment>(&deployment).await?;
    }

    for autoscaler in &autoscalers {
        let pause = json!({ "metadata": { "annotations": { "muster.dev/paused": "kubectl muster scale" } } });
        let _: RegionAutoscaler = cluster.change(autoscaler, &pause).await?;
        screen.progress(&format!(
            "The RegionAutoscaler {autoscaler} is paused. To let it decide again: kubectl annotate rgas {autoscaler} -n {} muster.dev/paused-",
            cluster.namespace
        ));
    }
    set(cluster, name, role, count).await?;
    owners::hand_back(cluster, &deployment).await?;

    let words = format!("{count} {} of {name}", plural(role, count));
    let stored = match region.spec.state {
        RegionState::Active => None,
        RegionState::Draining => Some("drains"),
        RegionState::Disabled => Some("is Disabled"),
    };
    let (exit, outcome, message) = match stored {
        Some(state) => (Exit::Done, "Stored", format!("{words}, once it takes players: it {state} now.")),
        None if arguments.no_wait => (Exit::Done, "Asked", format!("{words}: the Region is told.")),
        None => match wait(cluster, &deployment, count, arguments.timeout).await? {
            Waited::So(()) => (Exit::Done, "Scaled", format!("{words}: the Deployment {deployment} is told.")),
            Waited::TimedOut => {
                let why = format!("kubectl muster why region/{name} -n {}", cluster.namespace);
                (
                    Exit::NotDone,
                    "NotInTime",
                    format!("{words}: the Region is told, and the operator has not acted on it yet. Why: {why}"),
                )
            }
            Waited::Interrupted => (Exit::Interrupted, "Interrupted", format!("{words}: the Region is told.")),
        },
    };
    let namespace = cluster.namespace.as_str();
    let outcome = Outcome {
        namespace,
        region: name,
        role,
        outcome,
        before,
        count,
        paused: autoscalers,
        message: message.clone(),
    };
    screen.outcome(&outcome, &message);
    Ok(exit)
}

/// How many processes the Region says for the role now.
fn known_role(region: &Region, role: ServerRole) -> Result<Option<i32>, Problem> {
    let roles = &region.spec.roles;
    match roles.iter().find(|known| known.name == role) {
        Some(known) => Ok(known.replicas),
        None => {
            let there: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
            let what = format!(
                "{} does not run the role {}.",
                region.metadata.name.as_deref().unwrap_or_default(),
                role.as_str()
            );
            Err(Problem::refused(what, format!("It runs: {}. Add the role to spec.roles first.", there.join(", "))))
        }
    }
}

/// RegionAutoscalers that decide the number.
async fn autoscalers(
    cluster: &Cluster,
    screen: &Screen,
    region: &str,
    role: ServerRole,
) -> Result<Vec<String>, Problem> {
    let all = cluster.all::<RegionAutoscaler>(false).await?;
    if let Some(unreadable) = all.unreadable.first() {
        // The operator does not act for it either, so it decides nothing.
        screen.progress(&format!("{} is left out: {}", unreadable.called(), unreadable.message));
    }
    let decides = |autoscaler: &&RegionAutoscaler| {
        let spec = &autoscaler.spec;
        spec.region_ref.name == region && spec.role == role && !spec.dry_run && !is_paused(*autoscaler)
    };
    Ok(all.readable.iter().filter(decides).filter_map(|autoscaler| autoscaler.metadata.name.clone()).collect())
}

fn in_the_way(region: &str, role: ServerRole, autoscalers: &[String], others: &[String]) -> Result<(), Problem> {
    let role = role.as_str();
    if let Some(autoscaler) = autoscalers.first() {
        return Err(Problem::refused(
            format!("The RegionAutoscaler {autoscaler} decides how many processes of the role {role} run in {region}."),
            format!(
                "Change its bounds (kubectl edit rgas {autoscaler}), or add --force: it is paused, and the number is yours."
            ),
        ));
    }
    if !others.is_empty() {
        return Err(Problem::refused(
            format!(
                "{} has set the number on the Deployment itself, and the Region leaves that alone.",
                others.join(", ")
            ),
            "Change it there, or add --force to hand the number back to the Region; a HorizontalPodAutoscaler would take it again.",
        ));
    }
    Ok(())
}

/// Sets `replicas` of one role. The list of roles is written as it was read but for that number, and only over the version that was read.
async fn set(cluster: &Cluster, name: &str, role: ServerRole, count: i32) -> Result<(), Problem> {
    let raw: Api<DynamicObject> =
        Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &ApiResource::erase::<Region>(&()));
    let mut tries = 0;
    loop {
        let there = raw.get(name).await.map_err(|error| Problem::of(&error, &cluster.server, "read the Region"))?;
        let mut roles = there.data["spec"]["roles"].clone();
        let role = roles.as_array_mut().and_then(|roles| roles.iter_mut().find(|known| known["name"] == role.as_str()));
        let Some(role) = role else {
            return Err(Problem::refused(format!("Somebody has taken the role out of {name} meanwhile."), ""));
        };
        role["replicas"] = Value::from(count);
        let version = there.metadata.resource_version;
        let patch = json!({ "metadata": { "resourceVersion": version }, "spec": { "roles": roles } });
        tries += 1;
        match cluster.change::<Region>(name, &patch).await {
            // The operator writes the status at the same time; the next look has it.
            Err(problem) if problem.passing && tries < TRIES => {}
            changed => return changed.map(|_| ()),
        }
    }
}

async fn wait(cluster: &Cluster, deployment: &str, count: i32, timeout: Duration) -> Result<Waited<()>, Problem> {
    until(Some(timeout), async || {
        let there = look::<Deployment>(cluster, deployment).await?;
        Ok(there.filter(|there| there.spec.replicas == Some(count)).map(|_| ()))
    })
    .await
}

fn plural(role: ServerRole, count: i32) -> String {
    if count == 1 { role.as_str().to_owned() } else { format!("{}s", role.as_str()) }
}
